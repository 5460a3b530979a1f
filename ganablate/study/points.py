"""Which point of the training a column shows, where images are measured at several."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ganablate.catalog import Direction
from ganablate.study.reading.wording import show

_ALLOWED = "allowed: last, lowest, highest, {mean_of_last: K} with K of 2 or more"
_BETTER: dict[Direction, str] = {
    "max": "higher is better", "min": "lower is better", "none": "it has no better and worse",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Point:
    """How one number is made of those at all points: `k` is that of mean_of_last."""

    kind: Literal["last", "lowest", "highest", "mean_of_last"]
    k: int = 1

    def words(self, points: int) -> str:
        """As a title says it, of a training measured at so many points."""
        if self.kind == "mean_of_last":
            return f"mean of the last {self.k} of {points} points"
        return f"{self.kind} of {points} points"

    def of(self, numbers: Sequence[float | None]) -> float | None:
        """The number, of those at all points in order; None where one that it needs is missing."""
        needed = numbers[-self.k :] if self.kind in ("last", "mean_of_last") else numbers
        measured = [number for number in needed if number is not None]
        if not measured or len(measured) < len(needed):
            return None
        if self.kind == "lowest":
            return min(measured)
        return max(measured) if self.kind == "highest" else sum(measured) / len(measured)


def point(given: object) -> Point:
    """What a study writes for a column.

    Raises:
        ValueError: it is nothing of that kind.
    """
    if given in ("last", "lowest", "highest"):
        return Point(given)
    if isinstance(given, Mapping) and list(given) == ["mean_of_last"]:
        k = given["mean_of_last"]
        if isinstance(k, int) and not isinstance(k, bool) and k > 1:
            return Point("mean_of_last", k)
        raise ValueError(f"mean_of_last: {show(k)} is given; {_ALLOWED}")
    raise ValueError(f"{show(given)} is given; {_ALLOWED}")


def point_faults(
    column: str, given: Point, direction: Direction, evaluations: Sequence[int]
) -> Iterator[str]:
    """What is wrong with the point of a column that is measured on images.

    `evaluations` says at how many points the study measures, at each of its budgets.
    """
    if {"lowest": "min", "highest": "max"}.get(given.kind, direction) != direction:
        yield f"{given.kind} is not what {column} can show: {_BETTER[direction]}"
    few = [number for number in evaluations if 1 < number < given.k]
    if few:
        yield f"the last {given.k} points are meant, and there are {min(few)} at some budget"
    if max(evaluations) == 1:
        yield "images are measured at the end only; say how often: `evaluations: 10`"
