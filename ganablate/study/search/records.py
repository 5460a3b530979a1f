"""What searches found, where it is kept: `runs/searches/<search_id>.json`, and `search.csv`.

The file under `runs/` is written anew whenever a search trial has ended, so a search that is
killed goes on. `search.csv` of a local or a published record has the searches that are whole: with
it, a fresh clone trains and reports what was found without searching again.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ganablate.catalog import SETTINGS
from ganablate.files import PUBLISHED, read_json, tell_unreadable, write_json
from ganablate.study.arms.settings import read_value, text_of
from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.reading.document import read_number
from ganablate.study.reading.errors import Problem, StudyError
from ganablate.study.schema import Study
from ganablate.study.search.arm_search import ArmSearch, SearchTrial

SEARCHES = "searches"
"""Folder under `runs/`."""
SEARCH_CSV = "search.csv"
Ended = tuple[SearchTrial, ...]
"""The trials of a search that have ended, by number."""
_COLUMNS = (
    "arm", "search_id", "number", "trial_id", "state", "outcome", "iterations", "chosen",
)  # fmt: skip
_STATE = "complete"
"""Of every trial in `search.csv`."""


def recalled(study: Study, runs: Path | None, results: Path) -> Study:
    """The study with what is known of its searches at every budget.

    Args:
        study: Whatever it knows of searches itself is left out.
        runs: Holds `searches/`; None: only `results` is asked.
        results: Holds a folder a study; asked where `runs` knows less, and at last the published
            records in it.

    Raises:
        StudyError: A `search.csv` cannot be read as one.
    """
    if not study.search:
        return study
    known: dict[str, Ended] = {}
    for budget in study.budget_names:
        search = expand(study, budget).search
        assert search is not None
        arms = {arm.search_id: arm for arm in search.arms.values()}
        written: dict[str, Ended] = {}
        for root in (results / PUBLISHED, results):
            written |= _read_csv(root / study.name / budget / SEARCH_CSV, arms)
        for search_id, arm in arms.items():
            here = None if runs is None else read_record(runs, search_id)
            whole = written.get(search_id)
            if here is None or (whole is not None and len(here) < arm.trials):
                here = whole
            if here is not None:
                known[search_id] = here
    return study.with_searches(known)


def write_record(runs: Path, search: ArmSearch) -> None:
    """Keep what is known of an arm's search now."""
    trials = [asdict(trial) for trial in search.ended]
    path = runs / SEARCHES / f"{search.search_id}.json"
    write_json(path, {"search_id": search.search_id, "trials": trials})


def read_record(runs: Path, search_id: str) -> Ended | None:
    """What is known here of a search; None where that is nothing, or damaged."""
    path = runs / SEARCHES / f"{search_id}.json"
    content = read_json(path)
    if content is None:
        return None
    names = [field.name for field in fields(SearchTrial)]  # former versions wrote more of a trial
    try:
        return tuple(
            SearchTrial(**{name: trial[name] for name in names}) for trial in content["trials"]
        )
    except (KeyError, TypeError, ValueError) as error:
        tell_unreadable(path, f"{type(error).__name__}: {error}")
        return None


def search_csv(plan: Plan) -> str | None:
    """The searches of a plan that are whole, a row a trial; None where there is none."""
    if plan.search is None:
        return None
    names = list(plan.search.spaces)
    whole = [arm for arm in plan.search.arms.values() if arm.found is not None]
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow([*_COLUMNS, plan.search.column, *names])
    for arm in whole:
        for trial in arm.ended:
            row = [arm.arm, arm.search_id, trial.number, trial.trial_id, _STATE]
            row += [trial.outcome or "", trial.iterations, str(trial == arm.found).lower()]
            row.append("" if trial.value is None else repr(trial.value))
            values = trial.values
            row += [text_of(name, values[name]) if name in values else "" for name in names]
            rows.writerow(row)
    return file.getvalue() if whole else None


def _read_csv(path: Path, arms: Mapping[str, ArmSearch]) -> dict[str, Ended]:
    """The whole searches of a written file; those that are no longer the study's are left out.

    Raises:
        StudyError: it cannot be read as one.
    """
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
        values={name: _value(name, row[name]) for name in arm.spaces},
        value=float(row[column]) if row[column] else None,
        outcome=row["outcome"] or None,
        iterations=int(row["iterations"]),
    )


def _value(name: str, text: str) -> Any:
    if text == SETTINGS[name].absent:
        return None
    number = read_number(text)
    return read_value(name, text if number is None else number)
