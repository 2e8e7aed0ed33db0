"""CURE Lens core: from a deletion request to an unlearned recommender and the evidence for it."""

__version__ = "0.1.0"
