"""Unlearning methods: objectives, teachers, gradient surgery, training loops and early stopping."""
