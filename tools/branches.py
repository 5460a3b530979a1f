"""Count the branches of every function of the package: `make branches`, a part of `make check`.

    python tools/branches.py

Comprehensions, conditional expressions, `and` and `or` count too, as radon counts them: a reader
holds them all. The script fails for a function with more than `LIMIT`.
"""

import sys
from pathlib import Path

from radon.complexity import cc_visit
from radon.visitors import Function

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 15


def main() -> int:
    """Print the functions above the limit, a line each; returns the exit code."""
    above = [
        f"{path.relative_to(ROOT)}:{function.fullname}: {function.complexity} branches\n"
        for path in sorted((ROOT / "ganablate").rglob("*.py"))
        for function in cc_visit(path.read_text(encoding="utf-8"))
        # Classes are listed too, with the mean of their methods.
        if isinstance(function, Function) and function.complexity > LIMIT
    ]
    sys.stdout.writelines(above)
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
