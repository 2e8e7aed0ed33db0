"""Grouping: the role of each module (attention head or MLP) in what the model learned about a request."""
