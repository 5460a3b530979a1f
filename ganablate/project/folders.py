"""The folders of one project, and the errors that say that a run cannot begin in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ganablate import files

if TYPE_CHECKING:
    from ganablate.study.plan import Plan


class WrongInputError(ValueError):
    """What the user gave cannot be used; a line for each reason. Nothing was started."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))


class FolderError(OSError):
    """A folder of the project cannot be written; a line for each. Nothing was started."""


@dataclass(frozen=True)
class Project:
    """A folder with studies, what they trained and what came out; nothing need be there yet."""

    root: Path = Path()
    """Where the process stands, unless stated."""

    @property
    def studies(self) -> Path:
        """Study files, which a person writes."""
        return self.root / "studies"

    @property
    def study_files(self) -> list[Path]:
        """All files in `studies`, in the order of their names."""
        return sorted(self.studies.glob("*.yaml"))

    @property
    def runs(self) -> Path:
        """Trials, data, MLflow's database: heavy, and in no repository."""
        return self.root / "runs"

    @property
    def trials(self) -> Path:
        """One folder a trial: the truth about it."""
        return self.runs / "trials"

    @property
    def results(self) -> Path:
        """Local results: STUDY/BUDGET/ is written from `trials`."""
        return self.root / "results"

    @property
    def published(self) -> Path:
        """Published results, which only `publish` writes."""
        return self.results / files.PUBLISHED

    def result(self, plan: "Plan", *, published: bool = False) -> Path:
        """The folder of a study's local or published results at a budget."""
        return (self.published if published else self.results) / plan.study / plan.budget

    def require_writable(self, plans: "Sequence[Plan]" = ()) -> None:
        """See that `runs`, and the results of these plans, can be written, and `runs` locked.

        Raises:
            FolderError: Some of them cannot.
        """
        folders = (self.runs, *map(self.result, plans))
        reasons = [*map(files.obstacle, folders), files.lock_obstacle(self.runs)]
        if lines := list(dict.fromkeys(line for line in reasons if line is not None)):
            raise FolderError("\n".join(f"{line}; nothing was started" for line in lines))


HERE = Project()
"""The project that the process stands in."""
