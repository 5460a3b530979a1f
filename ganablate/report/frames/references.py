"""`references.csv`: what real images score by the protocols of a record's numbers.

One row a line and column: `floor` are other real images in the place of generated ones, `ten
images` ten real ones, repeated. `data` and `protocol` say to which numbers of `trials.csv` they
belong. Workers measure them (`ganablate.sweep.measure`); a record keeps them, so that it needs
neither trials nor extractors to be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd

from ganablate.catalog import FLOOR, METRICS, TEN_IMAGES, on_images, stored_name
from ganablate.config import TrialConfig
from ganablate.report.frames.curves import read_typed
from ganablate.report.frames.trials import PROTOCOL, early_end_stamp, stamp_of_points
from ganablate.study.plan import Arm, Plan
from ganablate.trials.folder import TrialFolder
from ganablate.trials.references import (
    Reference,
    data_words,
    read_lines,
    reference_path,
    references_beside,
)

REFERENCES = "references.csv"
LINES = (FLOOR, TEN_IMAGES)
_COLUMNS = tuple(field.name for field in fields(Reference))
_TYPES = {name: "float64" if name == "value" else "string" for name in _COLUMNS}


@dataclass(frozen=True)
class References:
    """The reference lines of a record, in the order of its file."""

    rows: tuple[Reference, ...] = ()

    def find(self, line: str, column: str, config: TrialConfig, stamp: str) -> Reference | None:
        """A line's number for a column of a trial with this stamp; None: it is not known."""
        data = data_words(config)
        # Behind the protocol a stamp may say at which point of the training it was taken.
        rows = (row for row in self.rows if f"{stamp}, ".startswith(f"{row.protocol}, "))
        key = (line, column, data)
        return next((row for row in rows if (row.line, row.column, row.data) == key), None)


NO_REFERENCES = References()


def local_references(
    plan: Plan, trials: pd.DataFrame, trials_root: Path, earlier: References
) -> References:
    """The lines of the complete trials' protocols that this machine has, else those from earlier.

    Args:
        plan: The plan.
        trials: As `trials_frame` gives it.
        trials_root: Holds one folder a trial, and the lines beside it.
        earlier: Of an earlier record of the same study and budget.
    """
    arms, rows = {arm.name: arm for arm in plan.arms}, dict[Reference, None]()
    for metric in on_images(plan.metrics):
        columns = list(METRICS[metric].columns)
        for (data, protocol), trial_ids in _protocols(trials, arms, plan, columns[0]).items():
            name = stored_name(metric, plan.extractor)
            found = _kept(name, data, protocol, trial_ids, trials_root) or tuple(
                row
                for row in earlier.rows
                if row.column in columns and (row.data, row.protocol) == (data, protocol)
            )
            rows |= dict.fromkeys(sorted(found, key=lambda row: columns.index(row.column)))
    return References(tuple(rows))


def _protocols(
    trials: pd.DataFrame, arms: dict[str, Arm], plan: Plan, column: str
) -> dict[tuple[str, str], list[str]]:
    """Data and protocol of a column's numbers -> trials that have it, one for each arm."""
    stamps = trials[["arm", "trial_id", column + PROTOCOL]].dropna()
    found: dict[tuple[str, str], list[str]] = {}
    for arm, trial_id, stamp in stamps.drop_duplicates(["arm", column + PROTOCOL]).itertuples(
        index=False
    ):
        config = arms[arm].config
        plain = str(stamp).removesuffix(stamp_of_points(plan, column))
        key = data_words(config), plain.removesuffix(early_end_stamp(config))
        found.setdefault(key, []).append(str(trial_id))
    return found


def _kept(
    metric: str, data: str, protocol: str, trial_ids: Sequence[str], trials_root: Path
) -> tuple[Reference, ...]:
    """The lines that this machine has; none where no trial's folder is here."""
    for fingerprint in _fingerprints(trial_ids, trials_root):
        path = reference_path(references_beside(trials_root), fingerprint, metric, protocol)
        if path.exists():
            return read_lines(path, data, protocol)
    return ()


def _fingerprints(trial_ids: Iterable[str], trials_root: Path) -> Iterator[str]:
    for trial_id in trial_ids:
        facts = TrialFolder(trials_root, trial_id).complete or {}
        if facts.get("data_fingerprint") is not None:
            yield str(facts["data_fingerprint"])


def references_csv(references: References) -> str:
    """The lines as text. Floats are written so that reading them gives the same bits."""
    rows = [astuple(row) for row in references.rows]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_TYPES)
    return frame.to_csv(index=False, na_rep="", lineterminator="\n")


def read_references(path: Path) -> References:
    """Read what `references_csv` wrote; no lines where there is no file.

    Raises:
        ValueError: a column is missing, or a number is none.
    """
    if not path.exists():
        return References()
    frame = read_typed(path, "references", _COLUMNS, lambda text: text.astype(_TYPES))
    rows = frame[list(_COLUMNS)].itertuples(index=False)
    return References(tuple(Reference(*row) for row in rows))
