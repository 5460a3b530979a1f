"""What searches found, where it is kept: `runs/searches/<search_id>.json`, and `search.csv`.

The file under `runs/` is written anew whenever a search trial has ended, so a search that is
killed goes on. `search.csv` of a local or a published record has the searches that are whole: with
it, a fresh clone trains and reports what was found without searching again.
"""

import csv
import io
from collections.abc import Mapping
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
from ganablate.study.search.found import ArmSearch, SearchRecord, SearchTrial

SEARCHES = "searches"
"""Folder under `runs/`."""
SEARCH_CSV = "search.csv"
_OWN = (
    "arm", "search_id", "number", "trial_id", "state", "outcome", "iterations", "chosen",
)  # fmt: skip


def recall(study: Study, runs: Path | None, results: Path) -> None:
    """Give a study what is known of its searches, at every budget.

    Args:
        study: Its `searches` are filled.
        runs: Holds `searches/`; None: only `results` is asked.
        results: Holds a folder a study; asked where `runs` knows less, and at last the published
            records in it.

    Raises:
        StudyError: A `search.csv` cannot be read as one.
    """
    for budget in study.budget_names if study.search else ():
        recall_at(study, budget, runs, results)


def with_published_searches(study: Study, published: Path) -> Study:
    """A copy of the study that knows what published records say of its searches, and no more."""
    copy = study.model_copy(deep=True)
    copy.searches.clear()
    recall(copy, None, published)
    return copy


def recall_at(study: Study, budget: str, runs: Path | None, results: Path) -> None:
    """As `recall`, at one budget."""
    search = expand(study, budget).search
    assert search is not None
    arms = {one.search_id: one for one in search.arms.values()}
    written: dict[str, SearchRecord] = {}
    for root in (results / PUBLISHED, results):
        written |= _read_csv(root / study.name / budget / SEARCH_CSV, arms)
    for search_id, arm in arms.items():
        here = None if runs is None else read_record(runs, search_id)
        known = written.get(search_id)
        if here is None or (known is not None and len(here.trials) < arm.trials):
            here = known
        if here is not None:
            study.searches[search_id] = here


def write_record(runs: Path, record: SearchRecord) -> None:
    """Keep what is known of an arm's search now."""
    trials = [
        {
            "number": trial.number,
            "trial_id": trial.trial_id,
            "values": dict(trial.values),
            "state": trial.state,
            "value": trial.value,
            "outcome": trial.outcome,
            "iterations": trial.iterations,
            "looks": [list(look) for look in trial.looks],
        }
        for trial in record.trials
    ]
    path = runs / SEARCHES / f"{record.search_id}.json"
    write_json(path, {"search_id": record.search_id, "trials": trials})


def read_record(runs: Path, search_id: str) -> SearchRecord | None:
    """What is known here of a search; None where that is nothing, or damaged."""
    path = runs / SEARCHES / f"{search_id}.json"
    content = read_json(path)
    if content is None:
        return None
    try:
        trials = tuple(_trial(one) for one in content["trials"])
    except (KeyError, TypeError, ValueError) as error:
        tell_unreadable(path, f"{type(error).__name__}: {error}")
        return None
    return SearchRecord(search_id, trials)


def _trial(given: Mapping[str, Any]) -> SearchTrial:
    looks = tuple((int(quarter), float(value)) for quarter, value in given["looks"])
    return SearchTrial(**{**given, "looks": looks})


def search_csv(plan: Plan) -> str | None:
    """The searches of a plan that are whole, a row a trial; None where there is none."""
    if plan.search is None:
        return None
    names = list(plan.search.spaces)
    whole = [arm for arm in plan.search.arms.values() if arm.found is not None]
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow([*_OWN, plan.search.column, *names])
    for arm in whole:
        for trial in arm.told:
            own = [arm.arm, arm.search_id, trial.number, trial.trial_id, trial.state]
            own += [trial.outcome or "", trial.iterations, str(trial == arm.found).lower()]
            value = "" if trial.value is None else repr(trial.value)
            values = (
                text_of(name, trial.values[name]) if name in trial.values else "" for name in names
            )
            rows.writerow([*own, value, *values])
    return file.getvalue() if whole else None


def _read_csv(path: Path, arms: Mapping[str, ArmSearch]) -> dict[str, SearchRecord]:
    """The whole searches of a written file; those that are no longer the study's are left out.

    Raises:
        StudyError: it cannot be read as one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    found: dict[str, list[SearchTrial]] = {}
    for line, row in enumerate(csv.DictReader(io.StringIO(text)), start=2):
        arm = arms.get(row.get("search_id") or "")
        if arm is None:
            continue
        try:
            found.setdefault(arm.search_id, []).append(_of_row(row, arm))
        except (KeyError, TypeError, ValueError) as error:
            problem = Problem(f"{path}:{line}", f"not a row of a search: {error}")
            raise StudyError([problem]) from None
    return {
        name: SearchRecord(name, tuple(trials))
        for name, trials in found.items()
        if [trial.number for trial in trials] == list(range(arms[name].trials))
    }


def _of_row(row: Mapping[str, str], arm: ArmSearch) -> SearchTrial:
    if row["state"] not in ("complete", "stopped"):
        raise ValueError(f'"{row["state"]}" is no state of a search trial')
    column = list(row)[len(_OWN)]
    return SearchTrial(
        number=int(row["number"]),
        trial_id=row["trial_id"],
        values={name: _value(name, row[name]) for name in arm.spaces},
        state="complete" if row["state"] == "complete" else "stopped",
        value=float(row[column]) if row[column] else None,
        outcome=row["outcome"] or None,
        iterations=int(row["iterations"]),
    )


def _value(name: str, text: str) -> Any:
    if text == SETTINGS[name].absent:
        return None
    number = read_number(text)
    return read_value(name, text if number is None else number)
