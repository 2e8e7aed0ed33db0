"""The fictional demo world: its generator, its words, and the command that rebuilds it."""
