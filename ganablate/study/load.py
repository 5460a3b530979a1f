"""Loads a study and tells everything that is wrong with it at once."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganablate.study.checks.check import check
from ganablate.study.reading.document import Document, read_document
from ganablate.study.reading.errors import Fault, StudyError
from ganablate.study.reading.messages import fault_of
from ganablate.study.schema import Study

_SECTIONS = (
    "remove", "ablate", "cross", "arms", "budgets", "folders", "claims", "published", "exclude",
)  # fmt: skip
"""Sections whose entries stand for themselves: a wrong one is left out of the further checks."""
_STAND_INS: dict[str, Any] = {"study": "study", "base": {}, "primary": "?", "metrics": ["?"]}
"""Take the place of a needed key that is wrong, so that the rest can be checked."""


def load_study(path: Path) -> Study:
    """Read and check a study at all its budgets.

    Raises:
        StudyError: with every problem found, in the order of their lines, each with its place.
    """
    document = read_document(path)
    shape = _Shape()
    study = _validated(document, shape)
    faults = [*document.faults, *shape.faults]
    if study is not None:
        for fault in check(study, broken=shape.broken, lost=shape.lost):
            if fault.path[0] not in shape.lost:
                faults.append(shape.replaced(fault))
    if faults or study is None:
        placed = sorted(dict.fromkeys(faults), key=lambda fault: document.line(fault.path))
        raise StudyError(list(dict.fromkeys(map(document.problem, placed))))
    return study


@dataclass
class _Shape:
    """What the models refuse. `lost` are whole sections, `broken` the names of single entries.

    `kept` maps a section that is a list to the positions of the entries that stayed.
    """

    faults: list[Fault] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    kept: dict[str, list[int]] = field(default_factory=dict)

    def leave_out(self, section: str, entries: set[Any], values: dict[str, Any]) -> None:
        """Take wrong entries out of a section, or all of it: where one is None, or cannot be."""
        given = values.pop(section, None)
        if isinstance(given, list) and None not in entries:
            self.kept[section] = [i for i in range(len(given)) if i not in entries]
            values[section] = [given[i] for i in self.kept[section]]
        elif isinstance(given, dict) and None not in entries:
            self.broken |= {str(entry) for entry in entries}
            values[section] = {key: value for key, value in given.items() if key not in entries}
        else:
            self.lost.add(section)
            self.broken |= set(given) if isinstance(given, dict) else set()
            if section in _STAND_INS:
                values[section] = _STAND_INS[section]

    def replaced(self, fault: Fault) -> Fault:
        """The fault at the position where its entry stands in the document."""
        section = fault.path[0]
        if section not in self.kept or len(fault.path) < 2:
            return fault
        position = self.kept[str(section)][int(fault.path[1])]
        return Fault((section, position, *fault.path[2:]), fault.message)


def _validated(document: Document, shape: _Shape) -> Study | None:
    """The study, without the entries whose shape is wrong."""
    try:
        return Study.model_validate(document.values)
    except ValidationError as refusal:
        errors: list[Any] = refusal.errors(include_url=False)
    wrong: dict[str, set[Any]] = {}
    for error in errors:
        if error["loc"] not in document.refused:
            shape.faults.append(fault_of(error, Study, document.values))
        section, *inside = error["loc"]
        whole = section not in _SECTIONS or not inside
        wrong.setdefault(section, set()).add(None if whole else inside[0])
    values = dict(document.values)
    for section, entries in wrong.items():
        shape.leave_out(section, entries, values)
    try:
        return Study.model_validate(values)
    except ValidationError:
        return None
