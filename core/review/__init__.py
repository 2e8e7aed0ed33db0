"""Carrying a deletion through review: who may do what, what is decided on which evidence, and what follows."""
