"""`looks.csv`: looks as rows that are only ever added, each with the hash of the row before it.

So a row that was changed or taken out is noticed at the next one; that the last ones are there,
other files remember. Local results share the file `results/looks.csv`: a study of another name over
the same trials finds what was seen of them. A published record has its own rows in its folder.
"""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock

from ganablate.files import PUBLISHED, write_text
from ganablate.report.frames.looks import Kind, Look
from ganablate.report.frames.question import question_hash, question_text
from ganablate.report.stats.statistics import ALPHA

LOOKS = "looks.csv"
_COLUMNS = (
    "date", "study", "budget", "kind", "declared", "replicates", "level", "decided", "set_aside",
    "goes_on", "sha256", "question", "previous",
)  # fmt: skip
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class LookFile:
    """What a `looks.csv` holds: looks, oldest first, and the hash of the line of each.

    `breaks` are sentences on rows that do not follow the row before them, or not their own hash.
    """

    looks: tuple[Look, ...] = ()
    hashes: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()


def looks_path(folder: Path) -> Path:
    """The file with the looks at a record: `folder` is `<results>/<study>/<budget>`."""
    root = folder.parents[1]
    return (folder if root.name == PUBLISHED else root) / LOOKS


def looks_lock(trials_root: Path) -> FileLock:
    """Held by whoever reads the local looks to add one."""
    trials_root.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(trials_root.parent / ".looks.lock")


def read_looks(path: Path) -> LookFile:
    """The looks in a file; none where there is no file.

    Raises:
        ValueError: the file is not as `looks_csv` writes it.
    """
    if not path.exists():
        return LookFile()
    header, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
    csv.field_size_limit(sys.maxsize)  # the question of a large study is one cell
    try:
        if header != ",".join(_COLUMNS):
            raise ValueError(f"its columns are {header}")
        rows = [dict(zip(_COLUMNS, *csv.reader([line]), strict=True)) for line in lines]
        looks = tuple(map(_look, rows))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a table of looks: {error!r}") from error
    hashes = tuple(map(line_hash, lines))
    return LookFile(looks, hashes, tuple(_breaks(rows, looks, hashes)))


def _breaks(
    rows: Sequence[Mapping[str, str]], looks: Sequence[Look], hashes: Sequence[str]
) -> Iterator[str]:
    for number, (row, look, before) in enumerate(zip(rows, looks, ("", *hashes), strict=False), 1):
        if row["previous"] != before:
            place = f"the row before row {number}" if number > 1 else "a row before the first"
            yield f"{place} of {LOOKS} was changed or taken out"
        if row["sha256"] != question_hash(look.asked):
            yield f"the question in row {number} of {LOOKS} was changed"


def line_hash(line: str) -> str:
    """The sha256 of a row as it stands in the file, as 64 hex digits."""
    return hashlib.sha256(line.encode()).hexdigest()


def looks_csv(looks: Sequence[Look], previous: str = "") -> str:
    """The looks as text; lists, replicates and questions as JSON, since names of arms hold commas.

    `previous` is the hash of a row before the first, which is not there.
    """
    lines = [",".join(_COLUMNS)]
    for look in looks:
        line = _line(look, previous)
        lines.append(line)
        previous = line_hash(line)
    return "".join(f"{line}\n" for line in lines)


def add_look(path: Path, look: Look, lost: str = "") -> None:
    """Add a row, in one step; call it under `looks_lock`.

    It follows the row `lost` where others remember one that is not there: so the gap stays.
    """
    if not path.exists():
        write_text(path, looks_csv([look], lost))
        return
    text = path.read_text(encoding="utf-8")
    hashes = read_looks(path).hashes
    previous = lost or (hashes[-1] if hashes else "")
    write_text(path, f"{text}{_line(look, previous)}\n")


def _line(look: Look, previous: str) -> str:
    text, level = io.StringIO(), repr(look.level)
    given = (dict(look.replicates), look.decided, look.set_aside, look.goes_on)
    replicates, *arms = (_JSON.encode(value) for value in given)
    declared = " ".join(map(str, look.declared))
    csv.writer(text, lineterminator="").writerow([
        look.date, look.study, look.budget, look.kind, declared, replicates, level, *arms,
        question_hash(look.asked), question_text(look.asked), previous,
    ])  # fmt: skip
    return text.getvalue()


def _look(row: Mapping[str, Any]) -> Look:
    if row["kind"] not in get_args(Kind):
        raise ValueError(f'kind is "{row["kind"]}"; {", ".join(get_args(Kind))} are allowed')
    level = float(row["level"])
    if not 0 < level <= ALPHA:
        raise ValueError(f"level is {level}; more than 0 and at most {ALPHA} is allowed")
    asked = json.loads(row["question"])
    if not isinstance(asked.get("arms"), dict):
        raise ValueError("a question has no arms")
    return Look(
        kind=row["kind"],
        declared=tuple(map(int, row["declared"].split())),
        replicates={str(name): int(n) for name, n in json.loads(row["replicates"]).items()},
        level=level,
        study=row["study"],
        budget=row["budget"],
        asked=asked,
        date=row["date"],
        **{name: tuple(json.loads(row[name])) for name in ("decided", "set_aside", "goes_on")},
    )
