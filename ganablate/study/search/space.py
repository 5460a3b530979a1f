"""What a search may try: the space of each setting, as a study writes it under `search`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ganablate.catalog import SETTINGS
from ganablate.study.arms.settings import read_value, text_of, unknown_setting
from ganablate.study.reading.wording import show, unknown

Kind = Literal["uniform", "log_uniform", "int", "choice"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_WORK = "it sets how much an arm is trained, and every arm gets the same"
_IMAGES = "numbers of other images cannot be compared"
_PART = "it is a part, which brings settings of its own; name it in ablate, cross or arms"
NOT_SEARCHED: Mapping[str, str] = {
    "epochs": _WORK,
    "iterations": _WORK,
    "train_images": _WORK,
    "early_end": _WORK,
    "dataset": _IMAGES,
    "image_size": _IMAGES,
    "crop": _IMAGES,
    "pixel_range": _IMAGES,
    "network": _PART,
    "criterion": _PART,
    "penalty": _PART,
    "optimizer": _PART,
    "g_optimizer": _PART,
    "d_optimizer": _PART,
    "precision": "it says how a machine computes",
    "device": "it says how a machine computes",
}
"""Setting -> why it is not searched. All others are, where an arm has them."""


@dataclass(frozen=True, slots=True)
class Space:
    """The values that one setting may take.

    `values` are the lowest and the highest, both included, or all levels of a choice.
    """

    kind: Kind
    values: tuple[Any, ...]

    def near_edge(self, value: Any) -> bool:
        """Whether a value of a range lies within a twentieth of it of its end."""
        if self.kind == "choice":
            return False
        scale = math.log if self.kind == "log_uniform" else float
        low, high = (scale(bound) for bound in self.values)
        return not low + (high - low) / 20 < scale(value) < high - (high - low) / 20

    def text(self, setting: str) -> str:
        """As a table has it: `0.0001 to 0.01 (log)`, or the levels."""
        shown = [text_of(setting, value) for value in self.values]
        if self.kind == "choice":
            return ", ".join(shown)
        return " to ".join(shown) + (" (log)" if self.kind == "log_uniform" else "")


def read_space(name: str, given: object) -> Space:
    """The space of a setting.

    Raises:
        ValueError: the setting is not searched, or the space is none; the text says what is.
    """
    if name not in SETTINGS:
        raise ValueError(unknown_setting(name, "search").removeprefix("search: "))
    if name in NOT_SEARCHED:
        raise ValueError(f"{name} is not searched: {NOT_SEARCHED[name]}")
    example = _example(name)
    if not isinstance(given, Mapping) or len(given) != 1:
        raise ValueError(f"{_shown(given)} is given; one space is needed, such as {example}")
    ((kind, values),) = given.items()
    if kind not in KINDS:
        raise ValueError(f"{unknown('a kind of space', kind, KINDS)}; such as {example}")
    if not isinstance(values, list):
        raise ValueError(f"{kind}: {show(values)} is given; a list is needed, as in {example}")
    return _choice(name, values) if kind == "choice" else _range(name, kind, values)


def _shown(given: object) -> str:
    if isinstance(given, Mapping):
        return f"a mapping of {len(given)} keys"
    return show(given)


def _example(name: str) -> str:
    setting = SETTINGS[name]
    if setting.whole:
        return "{int: [16, 64]}"
    return "{log_uniform: [1e-4, 1e-2]}" if setting.number else "{choice: [A, B]}"


def _choice(name: str, given: Iterable[object]) -> Space:
    levels: dict[str, Any] = {}
    for value in given:
        level = read_value(name, value)
        text = text_of(name, level)
        if text in levels:
            raise ValueError(f"choice: {show(value)} is given twice")
        levels[text] = level
    if len(levels) < 2:
        raise ValueError("choice: at least two levels are needed; one belongs into base")
    return Space("choice", tuple(levels.values()))


def _range(name: str, kind: Kind, given: list[object]) -> Space:
    setting = SETTINGS[name]
    if not setting.number:
        raise ValueError(f"{kind}: {name} is no number; such as {_example(name)}")
    if setting.whole != (kind == "int"):
        fitting = "int" if setting.whole else "uniform or log_uniform"
        what = "a whole number" if setting.whole else "no whole number"
        raise ValueError(f"{kind}: {name} is {what}; take {fitting}, or choice")
    if len(given) != 2:
        raise ValueError(f"{kind}: {len(given)} values are given; the lowest and the highest are")
    low, high = (read_value(name, bound) for bound in given)
    if low is None or high is None:
        raise ValueError(f"{kind}: a range has numbers only; take choice")
    if not low < high:
        raise ValueError(f"{kind}: from {low} to {high}; the lowest comes first")
    if kind == "log_uniform" and low <= 0:
        raise ValueError(f"log_uniform: from {low}; a lowest value above 0 is needed")
    return Space(kind, (low, high))
