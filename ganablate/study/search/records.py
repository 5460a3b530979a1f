"""Keeps search trials that have ended: in `runs/searches/<search_id>.json`, and `search.csv`.

The file under `runs/` is written anew whenever a search trial has ended, so a search that is
killed goes on. `search.csv` of a local or a published record has the searches that are whole: with
it, a fresh clone trains and reports their best values without searching again.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

from ganablate.files import PUBLISHED, read_json, tell_unreadable, write_json
from ganablate.study.arms.settings import read_value, text_of
from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import Problem, StudyError
from ganablate.study.schema import Study
from ganablate.study.search.arm_search import ArmSearch, SearchTrial

SEARCH_CSV = "search.csv"
Ended = tuple[SearchTrial, ...]
"""The trials of a search that have ended, by number."""
_COLUMNS = (
    "arm", "search_id", "number", "trial_id", "state", "outcome", "iterations", "chosen",
)  # fmt: skip
_STATE = "complete"
"""Of every trial in `search.csv`."""


def with_recorded_searches(study: Study, runs: Path | None, results: Path) -> Study:
    """The study with the recorded trials of its searches at every budget, and no others.

    `runs` holds `searches/`; None: only `results` is read. `results` holds a folder a study: it
    counts where `runs` has less of a search, and the published records in it where it has none.

    Raises:
        StudyError: A `search.csv` cannot be read as one.
    """
    if not study.search:
        return study
    recorded: dict[str, Ended] = {}
    for budget in study.budget_names:
        search = expand(study, budget).search
        assert search is not None
        arms = {arm.search_id: arm for arm in search.arms.values()}
        whole: dict[str, Ended] = {}
        for root in (results / PUBLISHED, results):
            whole |= _read_csv(root / study.name / budget / SEARCH_CSV, arms)
        for search_id, arm in arms.items():
            ended = None if runs is None else read_record(runs, search_id)
            if search_id in whole and (ended is None or len(ended) < arm.trials):
                ended = whole[search_id]
            if ended is not None:
                recorded[search_id] = ended
    return study.with_searches(recorded)


def write_record(runs: Path, search: ArmSearch) -> None:
    """Keep the trials of an arm's search that have ended by now."""
    trials = [asdict(trial) for trial in search.ended]
    write_json(_record(runs, search.search_id), {"search_id": search.search_id, "trials": trials})


def read_record(runs: Path, search_id: str) -> Ended | None:
    """The recorded trials of a search; None where there is no record, or a damaged one."""
    path = _record(runs, search_id)
    content = read_json(path)
    if content is None:
        return None
    names = [field.name for field in fields(SearchTrial)]  # former versions wrote more of a trial
    try:
        return tuple(SearchTrial(**{n: trial[n] for n in names}) for trial in content["trials"])
    except (KeyError, TypeError, ValueError) as error:
        tell_unreadable(path, f"{type(error).__name__}: {error}")
        return None


def _record(runs: Path, search_id: str) -> Path:
    return runs / "searches" / f"{search_id}.json"


def search_csv(plan: Plan) -> str | None:
    """The searches of a plan that are whole, a row a trial; None where there is none."""
    if plan.search is None or len(plan.search.open) == len(plan.search.arms):
        return None
    names = list(plan.search.spaces)
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*_COLUMNS, plan.search.column, *names])
    for arm in plan.search.arms.values():
        for trial in arm.ended if arm.best is not None else ():
            row = [arm.arm, arm.search_id, trial.number, trial.trial_id, _STATE]
            row += [trial.outcome or "", trial.iterations, str(trial == arm.best).lower()]
            row.append("" if trial.value is None else repr(trial.value))
            values = trial.values
            row += [text_of(name, values[name]) if name in values else "" for name in names]
            rows.writerow(row)
    return text.getvalue()


def _read_csv(path: Path, arms: Mapping[str, ArmSearch]) -> dict[str, Ended]:
    """The whole searches of a written file; those that are no longer the study's are left out."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    trials: dict[str, list[SearchTrial]] = {}
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        arm = arms.get(row.get("search_id") or "")
        if arm is None:
            continue
        try:
            trials.setdefault(arm.search_id, []).append(_of_row(row, arm))
        except (KeyError, TypeError, ValueError) as error:
            problem = Problem(f"{path}:{line}", f"not a row of a search: {error}")
            raise StudyError([problem]) from None
    return {
        name: tuple(ended)
        for name, ended in trials.items()
        if [trial.number for trial in ended] == list(range(arms[name].trials))
    }


def _of_row(row: Mapping[str, str], arm: ArmSearch) -> SearchTrial:
    if row["state"] != _STATE:
        raise ValueError(f'"{row["state"]}" is no state of a search trial')
    column = list(row)[len(_COLUMNS)]
    return SearchTrial(
        number=int(row["number"]),
        trial_id=row["trial_id"],
        values={name: read_value(name, row[name]) for name in arm.spaces},
        value=float(row[column]) if row[column] else None,
        outcome=row["outcome"] or None,
        iterations=int(row["iterations"]),
    )
