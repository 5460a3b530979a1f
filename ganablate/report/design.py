# ruff: noqa: D102 - the names say it, and `Plan` has the whole
"""What a report of numbers has to know of where they come from: arms, and columns with directions.

A plan is a design. So are the runs that another program trained, of which little else is known.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from ganablate.catalog import Column
from ganablate.study.plan import PublishedNumber
from ganablate.study.reach import Reach


class ComparedArm(Protocol):
    """An arm by its name, and the one that it is compared with; None: with none."""

    @property
    def name(self) -> str: ...
    @property
    def compare_to(self) -> str | None: ...
    @property
    def null(self) -> bool: ...


A = TypeVar("A", bound=ComparedArm)
A_co = TypeVar("A_co", bound=ComparedArm, covariant=True)


class Replicate(Protocol):
    """One replicate of one arm."""

    @property
    def trial_id(self) -> str: ...
    @property
    def arm(self) -> str: ...
    @property
    def replicate(self) -> int: ...


class DesignOf(Protocol[A_co]):
    """Arms in order, the baseline first, their trials, and columns; see `Plan`.

    `budget` is None where there is none. `metrics` and `probes` are those of the catalog that this
    package measured: only of these is a protocol known.
    """

    @property
    def study(self) -> str: ...
    @property
    def budget(self) -> str | None: ...
    @property
    def asks(self) -> str | None: ...
    @property
    def primaries(self) -> tuple[str, ...]: ...
    @property
    def primary(self) -> str: ...
    @property
    def arms(self) -> Sequence[A_co]: ...
    @property
    def trials(self) -> Sequence[Replicate]: ...
    @property
    def columns(self) -> Mapping[str, Column]: ...
    @property
    def shown_columns(self) -> Mapping[str, Column]: ...
    @property
    def metrics(self) -> tuple[str, ...]: ...
    @property
    def probes(self) -> tuple[str, ...]: ...
    @property
    def published(self) -> tuple[PublishedNumber, ...]: ...
    @property
    def substitutes(self) -> Mapping[str, tuple[str, str]]: ...
    @property
    def reach(self) -> Mapping[str, Reach]: ...
    @property
    def components(self) -> Mapping[str, Collection[str]]: ...
    @property
    def may_end_early(self) -> bool: ...


Design = DesignOf[ComparedArm]
