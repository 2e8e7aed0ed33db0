"""The checks, one file each. Every check is a function of `Evidence` that yields `Check` objects."""
