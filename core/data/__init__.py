"""Data: readers of rating files, labels, splits, and prompts with their templates and paraphrases."""
