"""Command line of CURE Lens: one module for each group of commands; `app` assembles them.

`--help` and commands without a model must answer in well under a second. Modules that load torch,
pyarrow, jinja2 or the signing libraries are therefore imported inside the commands that need them; a comment names the
library.
"""
