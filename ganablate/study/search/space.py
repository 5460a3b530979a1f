"""Reads what a search may try: the space of each setting, as a study writes it under `search`."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ganablate.catalog import SETTINGS
from ganablate.study.arms.settings import read_value, text_of, unknown_setting
from ganablate.study.reading.wording import show, unknown

Kind = Literal["uniform", "log_uniform", "int", "choice"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_REASONS = {
    "it sets how much an arm is trained, and every arm gets the same": (
        "epochs", "iterations", "train_images", "early_end",
    ),
    "numbers of other images cannot be compared": (
        "dataset", "image_size", "crop", "pixel_range",
    ),
    "it is a part, which brings settings of its own; name it in ablate, cross or arms": (
        "network", "criterion", "penalty", "second_penalty", "optimizer", "g_optimizer",
        "d_optimizer",
    ),
    "it says how a machine computes": ("precision", "device"),
}  # fmt: skip
NOT_SEARCHED = {name: reason for reason, names in _REASONS.items() for name in names}
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
        texts = [text_of(setting, value) for value in self.values]
        if self.kind == "choice":
            return ", ".join(texts)
        return " to ".join(texts) + (" (log)" if self.kind == "log_uniform" else "")


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
        text = f"a mapping of {len(given)} keys" if isinstance(given, Mapping) else show(given)
        raise ValueError(f"{text} is given; one space is needed, such as {example}")
    ((kind, values),) = given.items()
    if kind not in KINDS:
        raise ValueError(f"{unknown('a kind of space', kind, KINDS)}; such as {example}")
    if not isinstance(values, list):
        raise ValueError(f"{kind}: {show(values)} is given; a list is needed, as in {example}")
    return _choice(name, values) if kind == "choice" else _range(name, kind, values)


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
