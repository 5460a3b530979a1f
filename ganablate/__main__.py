"""`python -m ganablate`: the commands, with the Python at hand."""

from ganablate.cli import main

if __name__ == "__main__":
    main()
