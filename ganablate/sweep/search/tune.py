"""The Tune side of a search: who proposes, who stops, and the worker that trains."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ray.tune.schedulers import ASHAScheduler, FIFOScheduler
from ray.tune.search import Searcher

from ganablate.study.search.found import ArmSearch, SearchTrial
from ganablate.study.search.trials import Turn, trial_of
from ganablate.sweep.job import Job, Progress
from ganablate.sweep.trainable import INDEX, PROGRESS, StartLine, TrialTrainable
from ganablate.trials.folder import TrialFolder

QUARTERS = 4
"""Parts of a search trial after which ASHA can look at it; it does after one and after two."""
QUARTER, VALUE = "quarter", "value"
"""Keys of a Tune result: the last look at a trial, and the column searched by at it."""
_ARM, _NUMBER, _VALUES = "arm", "number", "values"


@dataclass(frozen=True)
class SearchJobs:
    """All that a worker needs to know of a search: the job of a trial but for the trial.

    `key` is what trial folders call the column that is searched by, where trials are looked at.
    """

    searches: tuple[ArmSearch, ...]
    job: Job
    key: str | None = None

    def of(self, config: Mapping[str, Any]) -> Job:
        """The job that a configuration of Tune stands for."""
        turn = Turn(config[_ARM], config[_NUMBER], json.loads(config[_VALUES]))
        return replace(self.job, trial=trial_of(self.searches[turn.arm], turn))


def configuration(index: int, turn: Turn) -> dict[str, Any]:
    """A turn as a configuration of Tune, which is to have plain values."""
    return {
        INDEX: index,
        _ARM: turn.arm,
        _NUMBER: turn.number,
        _VALUES: json.dumps(turn.values),
    }


class TurnSearcher(Searcher):
    """Hands Tune what `next_configuration` gives.

    That is None where some trial must end first, and `Searcher.FINISHED` where there is no more.
    """

    def __init__(self, next_configuration: Callable[[], dict[str, Any] | str | None]) -> None:
        super().__init__()
        self._next = next_configuration

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override]
        """The configuration of a new trial."""
        del trial_id
        return self._next()

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Nothing: the relay has told the board."""

    def get_state(self) -> dict[str, Any]:
        """Nothing: what a search knows is in the ledger."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Tune wants a file."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Nothing is restored from it."""


class AshaInsideArms(FIFOScheduler):
    """An ASHA for each arm. Trials that ended before this process count as well."""

    def __init__(self, searches: Sequence[ArmSearch]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._by_arm = [_asha(search) for search in searches]

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its scheduler with an experiment that nobody restores.
        return {}

    def _of(self, trial: Any) -> Any:
        return self._by_arm[trial.config[_ARM]]

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """A trial of some arm begins."""
        self._of(trial).on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        """Whether the trial goes on."""
        decision: str = self._of(trial).on_trial_result(tune_controller, trial, result)
        return decision


@dataclass
class _Ended:
    """A trial of before, as a scheduler knows trials."""

    trial_id: str


def _asha(search: ArmSearch) -> Any:
    """A quarter of the training is the least, and the better half goes on at each look."""
    asha: Any = ASHAScheduler(
        time_attr=QUARTER, metric=VALUE, mode=search.mode,
        grace_period=1, max_t=QUARTERS, reduction_factor=2,
    )  # fmt: skip
    for trial in search.told:
        known = _Ended(f"ended-{trial.number}")
        asha.on_trial_add(None, known)
        for quarter, value in trial.looks:
            asha.on_trial_result(None, known, {QUARTER: quarter, VALUE: value})
    return asha


class SearchTrainable(TrialTrainable):
    """Runs attempts of search trials, and tells the last look at each where ASHA asks for it."""

    def setup(  # type: ignore[override]
        self,
        config: dict[str, Any],
        search: SearchJobs | None = None,
        attempt: str = "",
        start_line: StartLine | None = None,
    ) -> None:
        """Note what to do."""
        assert search is not None
        self._search = search
        super().setup(config, {config[INDEX]: search.of(config)}, attempt, start_line)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Turn to another trial."""
        self._jobs = {new_config[INDEX]: self._search.of(new_config)}
        return super().reset_config(new_config)

    def step(self) -> dict[str, Any]:
        """As a sweep's, with the last look."""
        result = super().step()
        progress = result.get(PROGRESS)
        if self._search.key is None or not isinstance(progress, Progress) or progress.done:
            return result
        job = self._jobs[self._index]
        folder = TrialFolder(job.trials_root, job.trial.trial_id)
        looks = looks_at(folder, self._search.key, progress.total)
        return {**result, QUARTER: looks[-1][0], VALUE: looks[-1][1]} if looks else result


def looks_at(folder: TrialFolder, key: str, total: int) -> tuple[tuple[int, float], ...]:
    """The value at each quarter of a trial's training that was measured, as (quarter, value).

    Args:
        folder: The trial's.
        key: What it calls the column.
        total: Iterations of its whole training.
    """
    found = []
    for iteration, measured in folder.evaluations().items():
        value = measured.get("numbers", {}).get(key)
        if isinstance(value, int | float) and math.isfinite(value):
            found.append((iteration * QUARTERS // total, float(value)))
    return tuple(found)


def ended(turn: Turn, trial_id: str, **facts: Any) -> SearchTrial:
    """A search trial that has ended, for its record."""
    return SearchTrial(turn.number, trial_id, turn.values, **facts)
