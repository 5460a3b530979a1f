"""What to say of a file that is not there: which one may be meant."""

import difflib
from pathlib import Path

_FOLDERS = ("studies", "sweeps")
_MOST = 10


def missing_file(path: Path) -> str:
    """Why `path` cannot be read, with the file that may be meant, or with those that there are.

    `my_study` and `my_study.yaml` are found in studies/ too.
    """
    folder = path.parent
    there = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if path.parent == Path():
        there += [file for name in _FOLDERS for file in sorted(Path(name).glob("*.yaml"))]
    by_name: dict[str, Path] = {}
    for file in there:
        by_name.setdefault(file.stem, file)
    near = difflib.get_close_matches(path.stem, by_name, n=1, cutoff=0.6)
    if near:
        return f"there is no such file; did you mean {by_name[near[0]]}?"
    if there:
        more = f" and {len(there) - _MOST} more" if len(there) > _MOST else ""
        return f"there is no such file; there are: {', '.join(map(str, there[:_MOST]))}{more}"
    if not path.is_absolute() and not Path("studies").is_dir():
        return (
            "there is no such file, and no studies/ in this folder: go to that of the project, or "
            "begin one here: ganablate init my_study"
        )
    return "there is no such file"
