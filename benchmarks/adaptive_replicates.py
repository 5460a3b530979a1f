"""What `run --until-decided` costs and keeps: simulated studies of 9 arms and a baseline.

    python benchmarks/adaptive_replicates.py [--studies 8000]

Prints two markdown tables. The first, for schedules of looks up to 10 replicates, with one and with
two primary metrics (unrelated, Holm over both): in how many studies (per cent) an arm without an
effect is called better or worse at any look, with effects of 4, 1.5 and 0 standard deviations in a
third of the arms each and with none at all (both to be at most 5); how many intervals miss the true
difference at any look (to be at most 5); the power, which is the share of the effects that end with
a verdict; the mean number of trials; with how many replicates a study of fixed size has that power,
and which part of its trials is saved (to be at least 20). The second: replicates added by hand as
long as nothing is found where nothing is. Some minutes on two cores; the numbers are the same each
time.

Replicates are logs of FID, so that an FID is log-normal; spreads are their standard deviations, of
`real` those of the arms in `results/published/*/cpu`. An effect of 1 is one of an arm and the
baseline taken together (root mean square).
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from effect_statistics import real_trials
from numpy.typing import NDArray

from ganablate.report.stats.sequential import (
    FUTILE,
    added_level,
    chance_of_verdict,
    declared_looks,
    look_levels,
)
from ganablate.report.stats.statistics import (
    ALPHA,
    Array,
    Difference,
    Summary,
    holm,
    welch,
)

ARMS = 9
METRICS = 2
MOST = 10
FIRST = (3, 5)
EFFECTS = np.resize([4.0, 1.5, 0.0], ARMS)
SPREADS: dict[str, tuple[float, ...]] = {
    "equal spreads": (1, 1),
    "baseline 1, arms 3": (1, 3),
    "baseline 3, arms 1": (3, 1),
    "baseline 1, arms 3 and 1 in turn": (1, 3, 1),
}
Counts = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Setting:
    """Replicates [studies, metrics, 1 + arms, MOST] without any effect, and the unit of effects.

    The unit is [arms], or [studies, metrics, arms].
    """

    name: str
    values: Array
    unit: Array

    def of(self, metrics: int) -> "Setting":
        """The same with the first so many metrics."""
        unit = self.unit if self.unit.ndim == 1 else self.unit[:, :metrics]
        return Setting(self.name, self.values[:, :metrics], unit)

    @property
    def truth(self) -> Array:
        """The effects [studies, metrics, arms]."""
        studies, metrics = self.values.shape[:2]
        return np.broadcast_to(effects(metrics) * self.unit, (studies, metrics, ARMS))

    def with_effects(self) -> Array:
        """The replicates with the effects of the arms."""
        shifted = self.values.copy()
        shifted[..., 1:, :] += self.truth[..., None]
        return shifted


def effects(metrics: int) -> Array:
    """In units, [metrics, arms]: another arm has each of them in another metric."""
    return np.stack([np.roll(EFFECTS, place) for place in range(metrics)])


def settings(generator: np.random.Generator, studies: int) -> list[Setting]:
    """Every setting, with fresh replicates."""
    shape, found = (studies, METRICS, ARMS + 1, MOST), []
    for name, given in SPREADS.items():
        spreads = np.array([given[0], *np.resize(given[1:], ARMS)])
        unit = np.sqrt((spreads[1:] ** 2 + spreads[0] ** 2) / 2)
        found.append(Setting(name, generator.standard_normal(shape) * spreads[:, None], unit))
    heavy = generator.standard_t(3, shape) / np.sqrt(3)
    drawn = generator.choice(real_trials().spreads, shape[:3])
    unit = np.sqrt((drawn[..., 1:] ** 2 + drawn[..., :1] ** 2) / 2)
    real = Setting("real", generator.standard_normal(shape) * drawn[..., None], unit)
    return [*found, Setting("heavy tails (t, 3)", heavy, np.ones(ARMS)), real]


def compared(values: Array, n: Counts) -> tuple[Summary, Summary, Difference]:
    """Arms, baseline and difference of the first `n` [studies, 1 + arms] replicates."""
    count = n[:, None, :].astype(float)
    present = np.arange(values.shape[-1]) < count[..., None]
    mean = np.where(present, values, 0).sum(axis=-1) / count
    variance = (np.where(present, values - mean[..., None], 0) ** 2).sum(axis=-1) / (count - 1)
    parts = (mean, variance, np.broadcast_to(count, mean.shape))
    arms, baseline = Summary(*(p[..., 1:] for p in parts)), Summary(*(p[..., :1] for p in parts))
    return arms, baseline, welch(arms, baseline)


def corrected(difference: Difference) -> Array:
    """Holm's p over all metrics and arms of a study [studies, metrics, arms]."""
    p = difference.p()
    return holm(p.reshape(len(p), -1)).reshape(p.shape)


@dataclass(frozen=True)
class Course:
    """How studies went: verdicts at the end and at any look, missed intervals, replicates."""

    decided: Marks
    ever: Marks
    missed: Marks
    n: Counts

    @property
    def trials(self) -> float:
        """Mean number of trials of a study."""
        return float(self.n.sum(axis=1).mean())


def adaptive(values: Array, truth: Array, looks: Sequence[int]) -> Course:
    """Every study until its arms are decided in each metric, set aside, or at the last look."""
    levels = look_levels(looks)
    studies = len(values)
    n = np.full((studies, ARMS + 1), looks[0])
    decided, ever, missed = (np.zeros(truth.shape, dtype=bool) for _ in range(3))
    going = np.arange(studies)
    for index, level in enumerate(levels):
        arms, baseline, difference = compared(values[going], n[going])
        found = corrected(difference) <= level
        low, high = difference.interval(1 - level)
        decided[going] = found
        ever[going] |= found
        missed[going] |= (low > truth[going]) | (high < truth[going])
        if index == len(levels) - 1:
            break
        each = levels[-1] / np.maximum((~found).sum(axis=(1, 2)), 1)
        continued = (~found & (_chance(arms, baseline, looks[-1], each) >= FUTILE)).any(axis=1)
        on = continued.any(axis=1)
        going, continued = going[on], continued[on]
        n[going, 0] = looks[index + 1]
        n[going, 1:] = np.where(continued, looks[index + 1], n[going, 1:])
    return Course(decided, ever, missed, n)


def _chance(arms: Summary, baseline: Summary, last: int, each: Array) -> Array:
    chance = np.zeros(arms.mean.shape)
    for level in np.unique(each):
        rows = each == level
        sides = [
            Summary(side.mean[rows], side.variance[rows], side.n[rows]) for side in (arms, baseline)
        ]
        chance[rows] = chance_of_verdict(sides[0], sides[1], last, float(level))
    return chance


def fixed_power(values: Array, n: int) -> float:
    """Share of the effects that a study of n replicates of each arm finds."""
    difference = compared(values, np.full((len(values), ARMS + 1), n))[2]
    called = corrected(difference) <= ALPHA
    return float(called[:, effects(values.shape[1]) > 0].mean())


def schedules(every: Sequence[Setting]) -> None:
    """Print the first table."""
    titles = [
        "spreads", "metrics", "looks", "error", "error, no effects", "intervals", "power",
        "trials", "fixed n", "saved",
    ]  # fmt: skip
    print(_row(titles))
    print("|" + " --- |" * len(titles))
    for whole in every:
        for metrics in range(1, METRICS + 1):
            setting = whole.of(metrics)
            values, truth = setting.with_effects(), setting.truth
            present = effects(metrics) > 0
            sizes = range(5, MOST + 1)
            powers = [fixed_power(values, n) for n in sizes]
            for first in FIRST:
                looks = declared_looks(first, MOST)
                course = adaptive(values, truth, looks)
                null = adaptive(setting.values, np.zeros(truth.shape), looks)
                n = float(np.interp(float(course.decided[:, present].mean()), powers, sizes))
                cells = [
                    _percent(course.ever[:, ~present].any(axis=1)),
                    _percent(null.ever.any(axis=(1, 2))),
                    _percent(np.concatenate([course.missed, null.missed])),
                    _percent(course.decided[:, present]),
                    f"{course.trials:.1f}",
                    f"{n:.1f}",
                    f"{100 * (1 - course.trials / (n * (ARMS + 1))):.0f}",
                ]
                names = [setting.name, metrics, ", ".join(map(str, looks))]
                print(_row([*names, *cells]), flush=True)


def by_hand(every: Sequence[Setting]) -> None:
    """Print the second table."""
    looks = (3, 5, 8)
    rules: dict[str, Callable[[int], float]] = {
        "halved each time": added_level,
        "5 % each time": lambda _: ALPHA,
    }
    print(_row(["no effects, looks at 3, 5, 8", *(f"error, {name}" for name in rules)]))
    print("|" + " --- |" * (len(rules) + 1))
    for setting in every:
        values = setting.of(1).values
        counts = [np.full((len(values), ARMS + 1), n) for n in looks]
        ps = [corrected(compared(values, n)[2]).min(axis=(1, 2)) for n in counts]
        errors = [
            np.any([p <= level(index) for index, p in enumerate(ps)], axis=0)
            for level in rules.values()
        ]
        print(_row([setting.name, *map(_percent, errors)]), flush=True)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _percent(marks: Marks) -> str:
    return f"{100 * float(marks.mean()):.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=8000)
    every = settings(np.random.default_rng(20_260_301), parser.parse_args(arguments).studies)
    schedules(every)
    print()
    by_hand(every)


if __name__ == "__main__":
    main()
