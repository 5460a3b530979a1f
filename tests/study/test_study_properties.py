"""Properties of expansion and identity that hold for any study."""

import math
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ganablate.study.expand import expand
from ganablate.study.schema import Study

BASE = {"dataset": "mnist_5k", "network": "dcgan", "epochs": 3}
LEVELS: dict[str, st.SearchStrategy[Any]] = {
    "d_dropout": st.floats(0.01, 0.9),
    "lr": st.floats(1e-6, 1e-4),
    "g_lr": st.floats(1e-3, 1),
    "batch_size": st.integers(2, 127),
    "latent_dim": st.integers(2, 99),
    "d_width": st.integers(1, 63),
    "g_activation": st.sampled_from(["sigmoid", "tanh", "identity"]),
    "criterion": st.sampled_from(["mse", "least_squares", "minimax"]),
}


@st.composite
def factors(draw: st.DrawFn) -> dict[str, list[Any]]:
    chosen = draw(st.lists(st.sampled_from(sorted(LEVELS)), unique=True, max_size=4))
    return {
        name: draw(st.lists(LEVELS[name], unique=True, min_size=1, max_size=3)) for name in chosen
    }


def study(**keys: Any) -> Study:
    given_keys = {"study": "p", "base": BASE, "primary": "fid", "metrics": ["fid"]} | keys
    return Study.model_validate(given_keys)


def ids(plan_of: Study) -> list[str]:
    return [trial.trial_id for trial in expand(plan_of).trials]


@given(factors(), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_ablation_size_baseline_and_unique_names(levels: dict[str, list[Any]], n: int) -> None:
    plan = expand(study(ablate=levels, replicates=n))
    assert len(plan.arms) == 1 + sum(map(len, levels.values()))
    assert len(plan.trials) == len(plan.arms) * n
    assert plan.arms[0].name == "baseline"
    assert len({arm.name for arm in plan.arms}) == len(plan.arms)
    assert len({trial.trial_id for trial in plan.trials}) == len(plan.trials)
    assert all(arm.compare_to == "baseline" and arm.changes for arm in plan.arms[1:])


@given(factors(), st.integers(1, 2))
@settings(max_examples=60, deadline=None)
def test_cross_size_is_the_product(levels: dict[str, list[Any]], n: int) -> None:
    # g_lr overrides half of lr, so their product may hold a cell twice.
    assume(levels and not {"lr", "g_lr"} <= levels.keys())
    plan = expand(study(cross=levels, replicates=n))
    assert len(plan.trials) == math.prod(map(len, levels.values())) * n
    assert len({trial.trial_id for trial in plan.trials}) == len(plan.trials)


@given(factors(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_ids_do_not_depend_on_the_order_of_keys(levels: dict[str, list[Any]], random: Any) -> None:
    names = list(levels)
    random.shuffle(names)
    base = list(BASE.items())
    random.shuffle(base)
    shuffled = study(ablate={name: levels[name] for name in names}, base=dict(base))
    assert sorted(ids(shuffled)) == sorted(ids(study(ablate=levels)))


@given(factors(), st.data())
@settings(max_examples=60, deadline=None)
def test_more_levels_and_replicates_keep_every_id(levels: dict[str, list[Any]], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(LEVELS)))
    level = data.draw(LEVELS[name])
    assume(level not in levels.get(name, []))
    before = study(ablate=levels, replicates=2)
    more = levels | {name: [*levels.get(name, []), level]}
    after = study(ablate=more, replicates=3, metrics=["fid", "modes"])
    assert set(ids(before)) < set(ids(after))
    assert len(ids(after)) == (len(expand(before).arms) + 1) * 3


@given(factors(), st.data())
@settings(max_examples=60, deadline=None)
def test_editing_a_level_changes_exactly_its_ids(levels: dict[str, list[Any]], data: Any) -> None:
    assume(levels)
    name = data.draw(st.sampled_from(sorted(levels)))
    level = data.draw(LEVELS[name])
    assume(level not in levels[name])
    edited = levels | {name: [*levels[name][:-1], level]}
    before, after = ids(study(ablate=levels, replicates=2)), ids(study(ablate=edited, replicates=2))
    assert len(set(before) - set(after)) == 2
    assert len(set(after) - set(before)) == 2
