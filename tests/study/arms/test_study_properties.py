"""Properties of expansion and identity that hold for any study."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ganablate.config import TrialConfig
from ganablate.study.arms.identity import trial_id
from ganablate.study.arms.resolve import BOTTOM, Resolver, put
from ganablate.study.arms.settings import read_layer
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import Fault, StudyError
from ganablate.study.schema import Study

BASE = {"dataset": "mnist_5k", "network": "dcgan", "epochs": 3}
HEAD = {"study": "p", "base": BASE, "primary": "fid", "metrics": ["fid"]}
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
    return Study.model_validate(HEAD | keys)


def ids(plan_of: Study) -> list[str]:
    return [trial.trial_id for trial in expand(plan_of).trials]


@given(factors(), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_sizes_baseline_and_unique_names(levels: dict[str, list[Any]], n: int) -> None:
    plan = expand(study(ablate=levels, replicates=n))
    assert len(plan.arms) == 1 + sum(map(len, levels.values()))
    assert len({arm.name for arm in plan.arms}) == len(plan.arms)
    assert plan.arms[0].name == "baseline"
    assert all(arm.compare_to == "baseline" and arm.changes for arm in plan.arms[1:])
    assert len({trial.trial_id for trial in plan.trials}) == len(plan.trials) == len(plan.arms) * n
    # g_lr overrides half of lr, so their product may hold a cell twice.
    assume(levels and not {"lr", "g_lr"} <= levels.keys())
    crossed = ids(study(cross=levels, replicates=n))
    assert len(set(crossed)) == len(crossed) == math.prod(map(len, levels.values())) * n


@given(factors(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_ids_do_not_depend_on_the_order_of_keys(levels: dict[str, list[Any]], random: Any) -> None:
    names, base = list(levels), list(BASE.items())
    random.shuffle(names)
    random.shuffle(base)
    shuffled = study(ablate={name: levels[name] for name in names}, base=dict(base))
    assert sorted(ids(shuffled)) == sorted(ids(study(ablate=levels)))


@given(factors(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_level_changes_exactly_its_ids(levels: dict[str, list[Any]], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(LEVELS)))
    level = data.draw(LEVELS[name])
    given_levels = levels.get(name, [])
    assume(level not in given_levels)
    before = ids(study(ablate=levels, replicates=2))
    more = study(
        ablate=levels | {name: [*given_levels, level]}, replicates=3, metrics=["fid", "modes"]
    )
    assert set(before) < set(ids(more))
    assert len(ids(more)) == (len(before) // 2 + 1) * 3
    if given_levels:
        edited = ids(study(ablate=levels | {name: [*given_levels[:-1], level]}, replicates=2))
        assert len(set(before) - set(edited)) == len(set(edited) - set(before)) == 2


ANY: dict[str, st.SearchStrategy[Any]] = {
    "batch_size": st.sampled_from([16, 128, 512]),
    "train_images": st.sampled_from([64, 5000, "all"]),
    "epochs": st.sampled_from([1, 3]),
    "iterations": st.sampled_from([10, 20]),
    "d_dropout": st.sampled_from([0, -0.0, 0.5]),
    "lr": st.sampled_from([2e-4, 1e-3]),
    "g_lr": st.sampled_from([2e-4, 1e-2]),
    "optimizer": st.sampled_from(["adam", "sgd"]),
    "momentum": st.sampled_from([0.0, 0.9]),
    "penalty": st.sampled_from(["none", "r1"]),
    "dataset": st.sampled_from(["mnist_5k", "mnist"]),
}


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(sorted(ANY)), unique=True, min_size=1, max_size=2))
    return {name: draw(ANY[name]) for name in chosen}


@st.composite
def varied(draw: st.DrawFn) -> dict[str, list[Any]]:
    chosen = draw(st.lists(st.sampled_from(sorted(ANY)), unique=True, max_size=2))
    return {name: draw(st.lists(ANY[name], min_size=1, max_size=2, unique=True)) for name in chosen}


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    sections: dict[str, Any] = {"ablate": {}, "cross": {}, "arms": {}}
    for part in draw(st.lists(st.sampled_from(sorted(sections)), max_size=2)):
        sections[part] = draw(varied()) if part != "arms" else {"a": draw(changes())}
    restated = [f"{part}.{name}" for part, entries in sections.items() for name in entries]
    budget = draw(st.one_of(st.just({}), st.just({}), changes()))
    for key in draw(st.lists(st.sampled_from(restated), unique=True)) if restated else []:
        part, _, name = key.partition(".")
        levels = st.lists(ANY[name], min_size=1, max_size=2) if part != "arms" else changes()
        budget[key] = draw(levels)
    entries = draw(st.lists(changes(), max_size=draw(st.integers(0, 1))))
    exclude = [{**entry, "because": "b"} for entry in entries]
    return HEAD | sections | {"budgets": {"b": budget}, "exclude": exclude}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studies") / "p.yaml"


RESTATED_TO_THE_BASE = HEAD | {
    "arms": {"big": {"batch_size": 512}},
    "budgets": {"b": {"epochs": 1, "arms.big": {"batch_size": 128}}},
}


@given(document=documents())
@example(document=RESTATED_TO_THE_BASE)
@settings(max_examples=150, deadline=None)
def test_what_loads_expands_at_every_budget(document: dict[str, Any], file: Path) -> None:
    file.write_text(json.dumps(document), encoding="utf-8")
    try:
        loaded = load_study(file)
    except StudyError:
        return
    for budget in loaded.budget_names:
        trials = expand(loaded, budget).trials
        assert len({trial.trial_id for trial in trials}) == len(trials) > 0
        for trial in trials:
            assert trial.trial_id == trial_id(trial.config, trial.data_id)
            assert TrialConfig.model_validate(trial.config.model_dump()) == trial.config


@given(
    base=changes(),
    names=st.lists(st.sampled_from(sorted(ANY)), unique=True, min_size=1, max_size=3),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_arms_that_take_after_the_first_of_their_kind_are_as_if_alone(
    base: dict[str, Any], names: list[str], data: Any
) -> None:
    wrong: list[Fault] = []
    below = put(BOTTOM, read_layer(BASE | base, ("base",), (), wrong))
    together = Resolver(below, {})
    for _ in range(4):
        arm = {name: data.draw(ANY[name]) for name in names}
        layer = read_layer(arm, ("arms", "a"), (), wrong)
        alone = Resolver(below, {}).resolve(layer)
        assert together.resolve(layer) == alone
        assert list(together.resolve(layer).differs) == list(alone.differs)


def test_the_forms_for_each_net_are_another_kind_than_the_form_for_both() -> None:
    wrong: list[Fault] = []
    below = put(BOTTOM, read_layer(BASE | {"g_optimizer": "sgd"}, ("base",), (), wrong))
    resolver = Resolver(below, {})
    both, each = (
        resolver.resolve(read_layer(arm, ("arms", "a"), (), wrong))
        for arm in ({"momentum": 0.9}, {"g_momentum": 0.5, "d_momentum": 0.5})
    )
    assert both.faults == ()
    assert [fault.path for fault in each.faults] == [("arms", "a", "d_momentum")]
