"""Whether verdicts keep what they promise: simulated studies of 9 arms and a baseline.

    python benchmarks/effect_statistics.py [--studies 20000]

Prints markdown tables, in per cent, each cell for n = 3 / 5 / 8 / 10 (crosses: 3 / 5). The first:
in how many studies without any effect an arm is called better or worse (error, to be at most 5), by
Welch's test with Holm's correction on one metric, on two that are unrelated or correlate by 0.8,
and on one with the rule of failing arms; by the same test with the degrees of freedom of the
smaller arm alone; and with a pooled variance, which is Dunnett's. The second: how often an interval
holds the true difference (coverage, to be 95), and how often one arm that is off by 2 and by 4
spreads is found (power). The third: how often an arm just as far off as the margin is called
equivalent (to be at most 5), and one that is not off at all. The fourth: errors and coverage of
main effects and interactions. Some minutes on a free core; with the same results the numbers are
the same.

A spread is one standard deviation of log FID. Settings named `real` draw from the trials in
`results/published/*/cpu`: an arm has the spread of a real arm and the shape of all arms'
residuals; failed trials lie as far off as those of one real arm, another one for each study, and
fail in both metrics. There, the unit of power is the median spread.
"""

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ganablate.report.stats.statistics import (
    ALPHA,
    Array,
    Difference,
    Summary,
    contrast,
    fails_p,
    holm,
    summary,
    welch,
)
from ganablate.trials.outcome import FAILURES

RESULTS = Path(__file__).parents[1] / "results" / "published"
ARMS = 9
REPLICATES = (3, 5, 8, 10)
EFFECTS = (2.0, 4.0)
MARGIN_SPREADS = (0.05, 0.1)
CROSSES = ((2, 2), (3, 3), (2, 2, 2))
CORRELATION = 0.8
"""Of two metrics of the same trials."""
FEW_CLASSES = 5
"""Of the ten: a trial that covers no more has failed, where no outcome was recorded."""
LEAST_SPREAD = 5e-6
"""Of log FID between saturated trials; keeps one that is drawn twice from being no spread."""


@dataclass(frozen=True)
class Studies:
    """Replicates without any effect, the baseline first, and which of them failed.

    They are [studies, metrics, arms, n], the failed ones [studies, arms, n]; `spread` is the unit
    of effects.
    """

    replicates: Array
    failed: NDArray[np.bool_] | None = None
    spread: float = 1.0


Shape = tuple[int, int, int, int]
"""Studies, metrics, arms (the baseline among them), replicates."""
Draw = Callable[[np.random.Generator, Shape], Studies]


def _normal(spreads: Sequence[float]) -> Draw:
    """Normal replicates; spreads of the baseline, then of the arms, repeated as often as needed."""
    every = np.array([spreads[0], *np.resize(spreads[1:], ARMS)])[:, None]
    return lambda generator, shape: Studies(generator.standard_normal(shape) * every)


def _heavy(generator: np.random.Generator, shape: Shape) -> Studies:
    return Studies(generator.standard_t(3, shape) / np.sqrt(3))


def _any_spread(generator: np.random.Generator, shape: Shape) -> Studies:
    factors = np.exp(generator.normal(0, 0.55, (*shape[:3], 1)))
    return Studies(generator.standard_normal(shape) * factors)


@dataclass(frozen=True)
class RealTrials:
    """Log FID of committed trials.

    `spreads` [arms] and `residuals` [trials] are of healthy trials, `failures` of each arm with
    failed ones: how far they lie off the healthy baseline [trials].
    """

    spreads: Array
    residuals: Array
    failures: tuple[Array, ...]


def real_trials(results: Path = RESULTS) -> RealTrials:
    """Read `results/published/*/cpu/trials.csv`.

    Raises:
        ValueError: no arm has three failed trials.
    """
    spreads, residuals, failures = [], [], []
    for path in sorted(results.glob("*/cpu/trials.csv")):
        trials = pd.read_csv(path)
        if not {"fid", "modes"} <= set(trials):
            continue
        unknown, few = trials["outcome"].isna(), trials["modes"] <= FEW_CLASSES
        known = trials["fid"].notna() & trials["modes"].notna()
        failed = known & (trials["outcome"].isin(FAILURES) | (unknown & few))
        logs = np.log(trials["fid"])
        baseline = known & ~failed & (trials["arm"] == trials["arm"].iloc[0])
        for arm in trials["arm"].unique():
            own = known & (trials["arm"] == arm)
            healthy, n = logs[own & ~failed].to_numpy(), int((own & ~failed).sum())
            if n > 2:
                spreads.append(healthy.std(ddof=1))
                residuals.append((healthy - healthy.mean()) * np.sqrt(n / (n - 1)))
            if (own & failed).sum() > 2 and baseline.any():
                failures.append((logs[own & failed] - logs[baseline].mean()).to_numpy())
    if not failures:
        raise ValueError(f"{results}/*/cpu/trials.csv: no arm has three failed trials")
    return RealTrials(np.array(spreads), np.concatenate(residuals), tuple(failures))


def _real(real: RealTrials, *, one_spread: bool = False, share: float = 0.0) -> Draw:
    """The shape of all residuals together, real spreads; a share of each arm's trials has failed.

    The shape is not of residuals in units of their own arm's spread: of five numbers none is more
    than 1.8 spreads off, and the shape would have no tails.
    """
    shape_of = real.residuals / real.residuals.std()
    middle = float(np.median(real.spreads))

    def draw(generator: np.random.Generator, shape: Shape) -> Studies:
        spreads = middle if one_spread else generator.choice(real.spreads, (*shape[:3], 1))
        values = spreads * generator.choice(shape_of, shape)
        failed = generator.random((shape[0], *shape[2:])) < share
        kinds = generator.integers(len(real.failures), size=shape[0])
        for kind, places in enumerate(real.failures):
            drawn = generator.choice(places, shape)
            of_kind = failed & (kinds == kind)[:, None, None]
            values = np.where(of_kind[:, None], drawn, values)
        values = values + LEAST_SPREAD * generator.standard_normal(shape)
        return Studies(values, failed if share else None, middle)

    return draw


def settings(real: RealTrials) -> dict[str, Draw]:
    """Name -> how studies without an effect are drawn."""
    return {
        "equal spreads": _normal([1, 1]),
        "baseline 3, arms 1": _normal([3, 1]),
        "baseline 1, arms 3": _normal([1, 3]),
        "baseline 1, arms 3 and 1 in turn": _normal([1, 3, 1]),
        "one arm 10": _normal([1, 10, *[1] * (ARMS - 1)]),
        "log-normal spreads, 0.3 to 3": _any_spread,
        "heavy tails (t, 3)": _heavy,
        "real, one spread": _real(real, one_spread=True),
        "real": _real(real),
        "real, a tenth failed": _real(real, share=0.1),
        "real, a fifth failed": _real(real, share=0.2),
        "real, half failed": _real(real, share=0.5),
    }


def _against_first(arms: Summary) -> Difference:
    """Welch's test of each arm against the first one."""
    parts = (arms.mean, arms.variance, arms.n)
    return welch(Summary(*(p[..., 1:] for p in parts)), Summary(*(p[..., :1] for p in parts)))


def _smaller_freedom(arms: Summary) -> Difference:
    """The same with n - 1 degrees of freedom, which never exceeds its level (Mickey and Brown)."""
    found = _against_first(arms)
    freedom = np.minimum(arms.freedom[..., 1:], arms.freedom[..., :1])
    return Difference(found.estimate, found.error, freedom)


def _pooled(arms: Summary) -> Difference:
    variance = np.broadcast_to(arms.variance.mean(axis=-1, keepdims=True), arms.variance.shape)
    plain = _against_first(Summary(arms.mean, variance, arms.n))
    freedom = np.broadcast_to(arms.freedom.sum(axis=-1, keepdims=True), plain.error.shape)
    return Difference(plain.estimate, plain.error, freedom)


def _row(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _head(titles: Sequence[str]) -> str:
    return f"{_row(titles)}\n|{' --- |' * len(titles)}"


def _percent(shares: ArrayLike) -> str:
    return f"{100 * float(np.asarray(shares).mean()):.1f}"


def _any_called(difference: Difference) -> NDArray[np.bool_]:
    """In which studies an arm is, after Holm's correction over all metrics and arms."""
    p = difference.p()
    called = holm(p.reshape(len(p), -1)) <= ALPHA
    return np.asarray(np.any(called, axis=1), dtype=np.bool_)


def _found(difference: Difference, effect: float) -> str:
    """How often the last arm is, once it is off by the effect."""
    off = np.zeros(ARMS)
    off[-1] = effect
    moved = Difference(difference.estimate + off, difference.error, difference.freedom)
    return _percent(holm(moved.p())[:, -1] <= ALPHA)


def _with_rule(called: NDArray[np.bool_], failed: NDArray[np.bool_] | None) -> str:
    """The error where an arm that fails throughout is a verdict, if Fisher's exact p says so."""
    if failed is None:
        return "—"
    n = failed.shape[-1]
    if fails_p(n, n, 0, n) > ALPHA:
        return _percent(called)
    throughout = failed[:, 1:].all(axis=2) & ~failed[:, :1].any(axis=2)
    return _percent(called | throughout.any(axis=1))


def errors_and_power(generator: np.random.Generator, studies: int) -> None:
    """Print the first and the second table."""
    methods = {"": _against_first, ", n - 1 degrees of freedom": _smaller_freedom}
    errors = ["one metric", "two metrics", "two, correlated", "with the rule of failing arms"]
    errors += ["n - 1 degrees of freedom", "pooled variance"]
    power = ["coverage", *(f"{effect:g} spreads{how}" for effect in EFFECTS for how in methods)]
    rows: list[list[object]] = []
    print(_about(studies), _head(["error where there is no effect", *errors]), sep="\n\n")
    for name, draw in settings(real_trials()).items():
        columns, powers = [], []
        for n in REPLICATES:
            drawn = draw(generator, (studies, 2, ARMS + 1, n))
            both, related = drawn.replicates, drawn.replicates.copy()
            related[:, 1] = CORRELATION * both[:, 0] + np.sqrt(1 - CORRELATION**2) * both[:, 1]
            arms = summary(both[:, 0])
            called = _any_called(_against_first(arms))
            cells = [_percent(called)]
            cells += [_percent(_any_called(_against_first(summary(x)))) for x in (both, related)]
            cells.append(_with_rule(called, drawn.failed))
            cells += [_percent(_any_called(how(arms))) for how in (_smaller_freedom, _pooled)]
            columns.append(cells)
            low, high = _against_first(arms).interval()
            found = [
                _found(how(arms), effect * drawn.spread)
                for effect in EFFECTS
                for how in methods.values()
            ]
            powers.append([_percent((low <= 0) & (high >= 0)), *found])
        print(_row([name, *map(_joined, zip(*columns, strict=True))]), flush=True)
        rows.append([name, *map(_joined, zip(*powers, strict=True))])
    print("", _head(["coverage and power", *power]), *map(_row, rows), sep="\n", flush=True)


def _about(studies: int) -> str:
    error = 100 * np.sqrt(ALPHA * (1 - ALPHA) / studies)
    counts = " / ".join(map(str, REPLICATES))
    return (
        f"Per cent of {studies:,} studies, n = {counts}; an error of {ALPHA:.0%} has a Monte Carlo "
        f"standard error of {error:.1f}."
    )


def _joined(cells: Sequence[str]) -> str:
    """One cell for all n."""
    return " / ".join(cells) if len(set(cells)) > 1 else cells[0]


def equivalence(generator: np.random.Generator, studies: int) -> None:
    """Print the third table: a margin of a factor of 1.25 at spreads of 5 and 10 %."""
    margin = float(np.log(1.25))
    print(_head(["called equivalent", "all arms at the margin: any", "no difference: an arm"]))
    for spread in MARGIN_SPREADS:
        columns = []
        for n in REPLICATES:
            shares = []
            for offset in (margin, 0.0):
                values = spread * generator.standard_normal((studies, ARMS + 1, n))
                values[:, 1:] += offset
                shares.append(holm(_against_first(summary(values)).p_equivalent(margin)) <= ALPHA)
            columns.append([_percent(shares[0].any(axis=1)), _percent(shares[1])])
        print(_row([f"spread {spread:.0%}", *map(_joined, zip(*columns, strict=True))]), flush=True)


def _contrasts(levels: Sequence[int], factors: int) -> list[Array]:
    """Weights of the cells in every main effect (1 factor) or interaction (2) of a full cross."""
    cells = np.array(list(itertools.product(*map(range, levels))))
    found = []
    for chosen in itertools.combinations(range(len(levels)), factors):
        for at in itertools.product(*(range(1, levels[factor]) for factor in chosen)):
            weights = np.ones(len(cells))
            for factor, level in zip(chosen, at, strict=True):
                own = cells[:, factor]
                weights *= (own == level) * 1.0 - (own == 0)
            found.append(weights * np.prod([levels[factor] for factor in chosen]) / len(cells))
    return found


def crosses(generator: np.random.Generator, studies: int) -> None:
    """Print the fourth table: families of contrasts where no cell differs."""
    families = {"main effects": 1, "interactions": 2}
    titles = [f"{what}, {name}" for name in families for what in ("error", "coverage")]
    print(_head(["no effect anywhere", *titles]))
    spreads = {"equal spreads": 1.0, "one cell 3": 3.0, "one cell 10": 10.0}
    for levels, (name, last) in itertools.product(CROSSES, spreads.items()):
        cells, columns = int(np.prod(levels)), []
        factors = np.array([1.0] * (cells - 1) + [last])[:, None]
        for n in REPLICATES[:2]:
            drawn = summary(factors * generator.standard_normal((studies, cells, n)))
            texts = []
            for count in families.values():
                found = [contrast(weights, drawn) for weights in _contrasts(levels, count)]
                called = holm(np.stack([each.p() for each in found], axis=-1)) <= ALPHA
                ends = [each.interval() for each in found]
                held = np.stack([(low <= 0) & (high >= 0) for low, high in ends])
                texts += [_percent(called.any(axis=1)), _percent(held)]
            columns.append(texts)
        label = f"{' x '.join(map(str, levels))}, {name}"
        print(_row([label, *map(_joined, zip(*columns, strict=True))]), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=20_000)
    given = parser.parse_args(arguments)
    generator = np.random.default_rng(20_040_301)
    for table in (errors_and_power, equivalence, crosses):
        table(generator, given.studies)
        print()


if __name__ == "__main__":
    main()
