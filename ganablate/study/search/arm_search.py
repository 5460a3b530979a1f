"""The search inside each arm: what it may try, and the trials of it that have ended.

Every arm gets the same number of search trials of the same length; Lucic et al. 2018
(arXiv 1711.10337, section 5) is why: which GAN is ahead depends on how much each was tuned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ganablate.config import TrialConfig
from ganablate.study.search.space import Space

SEARCH_TRIALS = 20
"""Of each arm, unless the study says otherwise."""
Mode = Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class SearchTrial:
    """A search trial that has ended.

    `values` are those of the searched settings, as the study names them. `value` is the column
    that is searched by; None where the trial diverged.
    """

    number: int
    trial_id: str
    values: Mapping[str, Any]
    value: float | None
    outcome: str | None = None
    iterations: int = 0


@dataclass(frozen=True, slots=True)
class ArmSearch:
    """The search of one arm.

    `base` is a search trial but for the searched values and the seed. `owners` maps each searched
    field of the configuration to the setting of the study that sets it. The seeds of its trials and
    proposals come from `seed`. `ended` are the trials that have ended, by number.
    """

    arm: str
    search_id: str
    base: TrialConfig
    data_id: str
    spaces: Mapping[str, Space]
    owners: Mapping[str, str]
    trials: int
    mode: Mode
    seed: int
    ended: tuple[SearchTrial, ...] = ()

    @property
    def best(self) -> SearchTrial | None:
        """The best trial once all have ended, the first of equal ones; None before that.

        Where all diverged it is the first of them, so that its arm's replicates tell.
        """
        if len(self.ended) < self.trials:
            return None
        sign, worst = (1.0 if self.mode == "min" else -1.0), float("inf")
        return min(self.ended, key=lambda t: worst if t.value is None else sign * t.value)

    def with_trial(self, trial: SearchTrial) -> "ArmSearch":
        """The search once that trial has ended as well."""
        ended = {earlier.number: earlier for earlier in (*self.ended, trial)}
        return replace(self, ended=tuple(ended[number] for number in sorted(ended)))

    def fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by setting as values by field of a configuration."""
        return {field: values[setting] for field, setting in self.owners.items()}

    def values(self, config: TrialConfig) -> dict[str, Any]:
        """The searched values of a configuration, by setting: the inverse of `fields`."""
        field_of = {setting: field for field, setting in self.owners.items()}
        return {name: getattr(config, field_of[name]) for name in self.spaces}


@dataclass(frozen=True, slots=True)
class Search:
    """The searches of a plan, by arm; an arm that has none of the settings has no search.

    `spaces` are all that the study searches, `length` is the length of a search trial in words,
    `column` is searched by.
    """

    spaces: Mapping[str, Space]
    trials: int
    length: str
    column: str
    mode: Mode
    arms: Mapping[str, ArmSearch]

    @property
    def left(self) -> int:
        """Search trials that have not ended yet."""
        return sum(search.trials - len(search.ended) for search in self.arms.values())

    @property
    def open(self) -> tuple[str, ...]:
        """The arms whose search has not come to its end."""
        return tuple(name for name, search in self.arms.items() if search.best is None)
