"""The statistics of a table against statsmodels, which calculates them by code of its own."""

import itertools
import math
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ganablate.report.claims.shares import limits
from ganablate.report.stats.cross import cross_effects
from ganablate.report.stats.statistics import holm, summary, welch
from ganablate.study.plan import Cross
from tests.support.synthetic_study import make_plan

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("statsmodels", reason="of the extra dev")
    from statsmodels.regression.linear_model import OLS
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.proportion import proportion_confint
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttost_ind

ARMS = [np.random.default_rng(seed).normal(3, 0.1 * (1 + seed % 3), 3 + seed) for seed in range(6)]
PAIRS = list(itertools.combinations(range(len(ARMS)), 2))
MARGIN = math.log(1.25)


@pytest.mark.parametrize(("arm", "other"), PAIRS)
def test_welch_and_equivalence(arm, other):
    ours = welch(summary(ARMS[arm]), summary(ARMS[other]))
    theirs = CompareMeans(DescrStatsW(ARMS[arm]), DescrStatsW(ARMS[other]))
    _, p, freedom = theirs.ttest_ind(usevar="unequal")
    assert ours.p() == pytest.approx(p, rel=1e-9)
    assert ours.freedom == pytest.approx(freedom, rel=1e-9)
    assert ours.interval() == pytest.approx(theirs.tconfint_diff(usevar="unequal"), rel=1e-9)
    both, _, _ = ttost_ind(ARMS[arm], ARMS[other], -MARGIN, MARGIN, usevar="unequal")
    assert ours.p_equivalent(MARGIN) == pytest.approx(both, rel=1e-9)


@pytest.mark.parametrize("tests", [1, 2, 9, 40])
def test_holm(tests):
    p = np.random.default_rng(tests).uniform(size=(20, tests)) ** 3
    expected = [multipletests(row, method="holm")[1] for row in p]
    np.testing.assert_allclose(holm(p), expected, rtol=1e-9)


@pytest.mark.parametrize(("held", "n"), [(0, 5), (5, 5), (3, 7), (1, 20), (10, 10)])
@pytest.mark.parametrize("alpha", [0.05, 0.0135])
def test_clopper_and_pearson(held, n, alpha):
    expected = proportion_confint(held, n, alpha=alpha, method="beta")
    assert limits(held, n, alpha) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_main_effects_and_interactions_of_a_cross_with_holes():
    """Least squares with a mean for each cell, and variances of their own for each (HC2)."""
    factors = {"lr": ("1", "2", "3"), "batch_size": ("8", "16"), "beta1": ("0", "0.5")}
    cells = [cell for cell in itertools.product(*factors.values()) if cell[:2] != ("3", "16")]
    names = [",".join(f"{f}={x}" for f, x in zip(factors, cell, strict=True)) for cell in cells]
    generator = np.random.default_rng(11)
    values = [
        np.exp(generator.normal(3, 0.1 + 0.1 * (k % 3), 3 + k % 2)) for k in range(len(cells))
    ]
    plan = make_plan({name: {} for name in names}, metrics=("fid",), primary="fid")
    plan = replace(plan, cross=Cross(factors, dict(zip(cells, names, strict=True))))
    rows = [
        (name, replicate, "complete", "ok", value)
        for name, numbers in zip(names, values, strict=True)
        for replicate, value in enumerate(numbers)
    ]
    frame = pd.DataFrame(rows, columns=["arm", "replicate", "state", "outcome", "fid"])
    effects = cross_effects(frame.astype({"outcome": "string"}), plan)
    owner = np.array([names.index(row[0]) for row in rows])
    fit = OLS(np.log(frame["fid"].to_numpy()), np.eye(len(cells))[owner]).fit(cov_type="HC2")

    def tested(ones):
        """Estimate and t of the sum over places of the cells with their signs."""
        weights = np.zeros(len(cells))
        for place in ones:
            for cell, sign in place.items():
                weights[cells.index(cell)] += sign / len(ones)
        found = fit.t_test(weights)
        freedom = float(found.sd.item()) ** 4 / sum(
            (w**2 * np.log(x).var(ddof=1) / len(x)) ** 2 / (len(x) - 1)
            for w, x in zip(weights, values, strict=True)
        )
        found = fit.t_test(weights, use_t=True)
        found.dist_args = (freedom,)
        p = 2 * found.dist.sf(abs(found.tvalue.item()), freedom)
        return math.exp(found.effect.item()), p

    by_name = {(x.factors, x.levels): x for x in (*effects.main, *effects.interactions)}
    lr3 = [{("3", "8", beta): 1, ("1", "8", beta): -1} for beta in factors["beta1"]]
    lr2 = [
        {("2", *rest): 1, ("1", *rest): -1}
        for rest in itertools.product(factors["batch_size"], factors["beta1"])
    ]
    batch = [{(lr, "16", beta): 1, (lr, "8", beta): -1} for lr in "12" for beta in factors["beta1"]]
    lr3_beta = [
        {("3", "8", "0.5"): 1, ("1", "8", "0.5"): -1, ("3", "8", "0"): -1, ("1", "8", "0"): 1}
    ]
    for name, ones in {
        (("lr",), ("3",)): lr3, (("lr",), ("2",)): lr2, (("batch_size",), ("16",)): batch,
        (("lr", "beta1"), ("3", "0.5")): lr3_beta,
    }.items():  # fmt: skip
        estimate, p = tested(ones)
        assert by_name[name].estimate == pytest.approx(estimate, rel=1e-9)
        assert by_name[name].p_alone == pytest.approx(p, rel=1e-9)
    assert by_name[("lr", "batch_size"), ("3", "16")].estimate is None
