"""Makes the settings and the ids of an arm's trials out of what the arm came to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from ganablate.catalog import OF_SETTINGS
from ganablate.config import TrialConfig
from ganablate.study.arms.identity import IdText
from ganablate.study.arms.resolve import Resolution, fields


class Configs:
    """Makes the settings of arms, all resolved on the same base, and the ids of their trials.

    Arms with the same parts differ in values that `read_value` has checked already, so only the
    first of them goes through the model and is written as text.
    """

    def __init__(self) -> None:
        self._firsts: dict[tuple[Any, ...], _First] = {}

    def of(self, resolution: Resolution) -> "ArmConfigs":
        """The settings of an arm's trials.

        Raises:
            ValueError: they do not fit `TrialConfig`: a line of the catalog is wrong.
        """
        differs = resolution.differs
        parts = tuple(pair for pair in differs.items() if pair[0] in OF_SETTINGS)
        if parts:
            differs = {name: value for name, value in differs.items() if name not in OF_SETTINGS}
        first = self._firsts.get(parts)
        if first is None:
            base = {name: resolution.base.get(name) for name in differs}
            config = _validated({name: resolution.get(name) for name in fields()})
            first = self._firsts[parts] = _First(config, base)
        return ArmConfigs(first, {**first.base, **differs} if first.base else differs)


class ArmConfigs:
    """The settings of one arm's trials, which differ in their seeds."""

    def __init__(self, first: "_First", changes: Mapping[str, Any]) -> None:
        self._first = first
        self._changes = changes

    def config(self, seed: int) -> TrialConfig:
        """Those of the trial with this seed."""
        return self._first.config.with_values({**self._changes, "seed": seed})

    def ids(self, data_id: str, seeds: Iterable[int]) -> Iterator[str]:
        """The ids of the trials with these seeds."""
        texts = self._first.texts
        if data_id not in texts:
            texts[data_id] = IdText(self._first.config, data_id)
        return texts[data_id].ids(self._changes, seeds)


@dataclass(frozen=True)
class _First:
    """The first arm with certain parts.

    `base` has its other settings that differ from the base, as the base has them.
    """

    config: TrialConfig
    base: Mapping[str, Any]
    texts: dict[str, IdText] = field(default_factory=dict)
    """Data id -> what ids are hashes of."""


def _validated(values: Mapping[str, Any]) -> TrialConfig:
    # A trial has only what its trainer uses, and of what parts declare what its own parts do.
    present = {name: value for name, value in values.items() if value is not None}
    try:
        return TrialConfig(**present, seed=0)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"{part}: " for part in first["loc"])
        reason = first.get("ctx", {}).get("error", first["msg"])
        raise ValueError(f"{where}{reason}") from None
