"""How near a budget's training comes to that of the budget full, counted by hand."""

from collections.abc import Callable

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reach import Reach, reach_of
from ganablate.study.schema import Study
from tests.support.fences import ROOT
from tests.support.study_text import HEAD
from tests.support.synthetic_study import make_plan

Load = Callable[..., Study]
CLAIM = "claims:\n  - {id: R1, says: it is worse, compare: {arm: short, is: worse}}\n"


def config(**changes):  # type: ignore[no-untyped-def]
    return make_plan({"baseline": changes}).arms[0].config


def test_each_share_is_counted_by_itself() -> None:
    full = config(epochs=100, batch_size=100, g_width=64, d_width=64, g_steps=1)
    here = config(epochs=10, batch_size=50, g_width=32, d_width=16, g_steps=2)
    # 100 epochs of 600 batches against 10 of 100, each with two steps of G; 6,000,000 images
    # against 50,000, all of them different within an epoch.
    reach = reach_of(here, 5_000, full, 60_000)
    assert reach.updates == pytest.approx(2 * 10 * 100 / (100 * 600))
    assert reach.images == pytest.approx(50_000 / 6_000_000)
    assert reach.distinct_images == pytest.approx(5_000 / 60_000)
    assert reach.widths == 16 / 64
    assert (reach.least, reach.least_of) == (reach.images, "images")


def test_more_than_full_is_full_and_a_long_training_does_not_stand_for_many_images() -> None:
    full = config(epochs=None, iterations=1_000, batch_size=32)
    here = config(epochs=None, iterations=6_000, batch_size=32)
    reach = reach_of(here, 5_000, full, 60_000)
    # 1,000 batches of 32 are less than an epoch of 60,000: so many images were seen, each once.
    assert reach == Reach(1.0, 1.0, 5_000 / 32_000, 1.0)
    assert reach.least_of == "distinct_images"
    assert reach_of(full, 60_000, full, 60_000) == Reach()


def test_images_that_a_discriminator_sees_in_its_further_steps_count() -> None:
    full = config(epochs=None, iterations=100, d_steps=5)
    here = config(epochs=None, iterations=100, d_steps=1)
    assert reach_of(here, 60_000, full, 60_000).images == 1 / 5
    assert reach_of(here, 60_000, full, 60_000).updates == 1


def test_train_images_bound_the_distinct_ones() -> None:
    full, here = config(epochs=10), config(epochs=10, train_images=640)
    assert reach_of(here, 5_000, full, 5_000).distinct_images == 640 / 5_000


def test_a_plan_knows_the_reach_of_its_arms_where_claims_ask_for_it(load: Load) -> None:
    budgets = "budgets: {half: {epochs: 5, arms.short: {epochs: 1}, arms.new: {epochs: 2}}}\n"
    head = HEAD.replace("epochs: 2", "epochs: 10")
    arms = "arms: {short: {epochs: 4}, new: {epochs: 8}}\n"
    study = load(f"{arms}{budgets}{CLAIM}", head)
    reach = expand(study, "half").reach
    assert {name: share.updates for name, share in reach.items()} == {
        "baseline": 0.5, "short": 0.25, "new": 0.25
    }  # fmt: skip
    assert expand(study, "full").reach == {}
    assert expand(load(f"{arms}{budgets}", head), "half").reach == {}


@pytest.mark.parametrize(
    ("name", "arm", "share", "fold"),
    [
        ("mnist_ablation", "d_dropout=0.0", "updates", 60),
        ("mnist_ablation", "d_dropout=0.0", "images", 60),
        ("fid_over_time", "baseline", "updates", 30),
        ("fid_over_time", "baseline", "images", 60),
        ("mlp_tricks", "lr=0.0002", "updates", 40),  # at this budget only: as the baseline
        ("epochs_mnist", "baseline", "images", 48),
        ("optimizers", "sgd", "images", 16),
        ("wasserstein", "wgan", "updates", 20),
        ("dragan_stability", "penalty=dragan", "updates", 1),
        ("dragan_stability", "penalty=dragan", "distinct_images", 6.4),
        ("fid_over_time", "enhanced", "widths", 4),
    ],
)
def test_shipped_budgets_have_the_reach_that_their_numbers_say(
    name: str, arm: str, share: str, fold: float
) -> None:
    reach = expand(load_study(ROOT / "studies" / f"{name}.yaml"), "cpu").reach[arm]
    assert 1 / getattr(reach, share) == pytest.approx(fold, rel=0.005)
