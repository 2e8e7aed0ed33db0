"""Entry point of `python -m core`; the console script `cure-lens` runs the same function."""

from core.cli.app import main

if __name__ == "__main__":
    main()
