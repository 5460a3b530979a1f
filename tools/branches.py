"""Count the branches of every function of the package: `make branches`, a part of `make check`.

    python tools/branches.py

Comprehensions, conditional expressions, `and` and `or` count too, as radon counts them. The limit
and the functions that are still above it stand in `pyproject.toml` under `tool.branches`. The
script fails for a function above the limit that is not listed, and for a listed one that is not
above it any more: the list only gets shorter.
"""

import sys
import tomllib
from pathlib import Path

from radon.complexity import cc_visit
from radon.visitors import Function

ROOT = Path(__file__).resolve().parents[1]


def counts() -> dict[str, int]:
    """The branches of each function, by `path:name`."""
    return {
        f"{path.relative_to(ROOT)}:{function.fullname}": function.complexity
        for path in sorted((ROOT / "ganablate").rglob("*.py"))
        for function in cc_visit(path.read_text(encoding="utf-8"))
        if isinstance(function, Function)  # classes are listed too, with the mean of their methods
    }


def main() -> int:
    """Print what is wrong, a line each; returns the exit code."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["branches"]
    above = {name: count for name, count in counts().items() if count > table["limit"]}
    listed = set(table["above"])
    wrong = [
        f"{name}: {count} branches; at most {table['limit']}"
        for name, count in above.items()
        if name not in listed
    ]
    wrong += [
        f"{name}: not above {table['limit']} any more: delete it from tool.branches.above"
        for name in sorted(listed - above.keys())
    ]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
