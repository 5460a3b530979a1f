"""Rehearsals, for real: a few seconds of training and a measuring, on digits."""

import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.study.plan import Plan
from ganablate.sweep.attempt import start
from ganablate.sweep.estimate import Costs, arm_costs, rehearse_all
from ganablate.sweep.job import Job
from ganablate.sweep.profile import Profile
from tests.support.sweep_cases import config, plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # torch's own warnings are none of ours
]


def planned(**arms: dict[str, object]) -> Plan:
    """A plan of one trial an arm, with these settings."""
    made = plan(list(arms))
    configs = [config(g_weight_decay=0.0, d_weight_decay=0.0, **arm) for arm in arms.values()]
    return replace(
        made,
        metrics=("d_loss", "fid"),
        evaluations=4,
        arms=tuple(map(lambda arm, its: replace(arm, config=its), made.arms, configs)),
        trials=tuple(map(lambda trial, its: replace(trial, config=its), made.trials, configs)),
    )


def test_a_rehearsal_says_what_a_trial_takes(digits_cache: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(digits_cache, runs / "data")
    sgd = {f"{net}_{name}": None for net in "gd" for name in ("beta1", "beta2")}
    made = planned(
        small={"epochs": 2},
        large={"batch_size": 512},
        broken={"criterion": "nonesuch"},
        diverging={
            "g_optimizer": "sgd", "d_optimizer": "sgd", "g_lr": 1e30, "d_lr": 1e30,
            "g_momentum": 0.0, "d_momentum": 0.0, **sgd,
        },
    )  # fmt: skip
    costs = Costs(runs, Profile(precision="fp32"))
    waiting = [trial.trial_id for trial in made.trials]
    faults: list[str] = []
    rehearse_all(arm_costs(made, waiting, costs), costs, faults.append)
    (fault,) = faults
    assert fault.startswith("broken cannot be rehearsed: ")
    assert "nonesuch" in fault
    assert {path.name for path in runs.iterdir()} == {"data", "costs"}
    arms = arm_costs(made, waiting, costs)
    assert [name for name, arm in arms.items() if arm.cost] == ["small", "large", "diverging"]
    small, large = arms["small"].cost, arms["large"].cost
    assert small is not None
    assert large is not None
    assert large.iteration > 2 * small.iteration
    assert small.around > 0

    # The trial itself, as a sweep would run it.
    job = Job(
        trial=made.trials[0], wanted=arms["small"].wanted, trials_root=tmp_path / "trials",
        cache=runs / "data", data_root=None, device="cpu", precision="fp32", threads=1,
        checkpoint_seconds=1e9,
    )  # fmt: skip
    began = time.perf_counter()
    attempt = start(job)
    while not attempt.advance().done:
        pass
    attempt.close()
    took = time.perf_counter() - began
    assert 0.3 * arms["small"].left() < took < 2 * arms["small"].left()
