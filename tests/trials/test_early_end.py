"""`early_end`: a training whose outcome is settled ends, at a moment that hangs on it alone."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ganablate.cli.plan import notes, status_as_json
from ganablate.config import TrialConfig
from ganablate.gan.checkpoint import load_state, save_state
from ganablate.gan.trainer import Trainer
from ganablate.metrics import evaluate as evaluate_module
from ganablate.report.analysis import Analysis
from ganablate.report.claims.evidence import Evidence
from ganablate.report.frames.earlier_record import with_earlier
from ganablate.report.frames.trials import (
    PROTOCOL,
    curves_frame,
    read_trials,
    trials_csv,
    trials_frame,
)
from ganablate.report.page import trials_table
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Arm, Plan, Trial
from ganablate.study.reading.fields import Position
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, needs_run
from ganablate.trials.outcome import outcome_of
from ganablate.trials.saturation import checks, saturated_steps
from ganablate.trials.status import plan_status
from tests.support.real_attempt import DATA_ID, job_for, run
from tests.support.trial_config import BASE, HOPELESS, TOTAL


def decisions(*parts: tuple[float, float], steps: int = 12) -> dict[str, np.ndarray]:
    """Every step's accuracies of a training: real and generated, the same all through a part."""
    real, fake = (np.repeat(np.array(side, np.float32), steps) for side in zip(*parts, strict=True))
    return {"d/accuracy_real": real, "d/accuracy_fake": fake}


OPEN, WON, ALL_REAL = (0.9, 1.0), (1.0, 0.99), (0.99, 0.01)


@pytest.mark.parametrize(
    ("parts", "successive", "window"),
    [
        ([OPEN, WON, WON, WON], 3, (12, 48)),
        ([WON, WON, WON, OPEN], 3, (0, 36)),  # the first time counts
        ([WON, WON, OPEN, WON, WON], 3, None),  # in a row
        ([WON, WON, ALL_REAL, WON], 3, None),  # the same way
        ([WON, ALL_REAL, ALL_REAL, ALL_REAL], 3, (12, 48)),
        ([OPEN, WON], 1, (12, 24)),
        ([WON, WON], 3, None),  # not yet
        ([OPEN, (0.98, 0.02)], 1, (12, 24)),  # at the edge, as the outcome
        ([OPEN, (0.979, 1.0)], 1, None),
        ([WON, (math.nan, 1.0), WON], 2, None),
    ],
)
def test_what_settles_a_training(
    parts: list[tuple[float, float]], successive: int, window: tuple[int, int] | None
) -> None:
    found = saturated_steps(decisions(*parts), 240, successive)
    assert (found and (found.start, found.stop)) == window


def test_only_whole_parts_of_enough_steps_settle_a_training() -> None:
    losses = decisions(WON, WON)
    assert saturated_steps({key: steps[:23] for key, steps in losses.items()}, 240, 2) is None
    assert saturated_steps(losses, 240, 2) == slice(0, 24)
    short = decisions(*[WON] * 20, steps=2)  # parts of two steps: ten are five parts
    assert saturated_steps(short, 40, 4) is None
    assert saturated_steps(short, 40, 5) == slice(0, 10)


def test_checks_are_the_ends_of_twentieths() -> None:
    assert checks(240) == tuple(range(12, 240, 12))
    assert checks(975)[:3] == (49, 98, 147)
    assert len(checks(975)) == 19
    assert max(checks(975)) < 975
    assert checks(7) == (1, 2, 3, 4, 5, 6, 7)


# --- training ---


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    torch.set_num_threads(1)
    return np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), dtype=np.uint8)


def make(images: np.ndarray, **changes: object) -> Trainer:
    config = TrialConfig(**{**BASE, **HOPELESS, **changes})
    return Trainer(config, images, device="cpu", precision="fp32")


def weights(trainer: Trainer) -> bytes:
    state = {**trainer.generator.state_dict(), **trainer.discriminator.state_dict()}
    return b"".join(tensor.contiguous().numpy().tobytes() for tensor in state.values())


@pytest.fixture(scope="module")
def ended(images: np.ndarray) -> Trainer:
    trainer = make(images)
    trainer.train(TOTAL)
    return trainer


def test_it_ends_where_the_losses_of_the_whole_say(images: np.ndarray, ended: Trainer) -> None:
    whole = make(images, early_end=None)
    whole.train(TOTAL)
    assert (whole.iteration, whole.ended_early) == (TOTAL, False)
    window = saturated_steps(whole.losses, TOTAL, 5)
    assert window is not None
    assert 50 <= window.stop < 100  # so that there is something to end
    assert ended.done
    assert ended.ended_early
    assert ended.iteration == window.stop
    for key, steps in whole.losses.items():
        assert ended.losses[key].tobytes() == steps[: window.stop].tobytes()
    until_then = make(images, early_end=None)
    until_then.train(window.stop)
    assert weights(ended) == weights(until_then)  # nothing else is changed by the setting


@pytest.mark.parametrize("step", [1, 7, 50])
def test_looks_between_change_nothing(images: np.ndarray, ended: Trainer, step: int) -> None:
    trainer = make(images)
    until = 0
    while not trainer.done:
        until += step
        trainer.train(until)
    assert trainer.iteration == ended.iteration
    assert weights(trainer) == weights(ended)


@pytest.mark.parametrize("before", [1, 10, 0], ids=["a step", "a check", "nothing"])
def test_restored_it_ends_at_the_same_step(
    images: np.ndarray, ended: Trainer, tmp_path: Path, before: int
) -> None:
    first = make(images)
    first.train(ended.iteration - before)
    save_state(first.state(), tmp_path / "state.pt")
    second = make(images)
    second.restore(load_state(tmp_path / "state.pt"))
    assert second.done == (before == 0)
    second.train(TOTAL)
    assert (second.iteration, second.ended_early) == (ended.iteration, True)
    assert weights(second) == weights(ended)


def test_a_critic_never_ends_early(images: np.ndarray) -> None:
    trainer = make(images, criterion="wasserstein", iterations=40, early_end=5)
    trainer.train(40)
    assert (trainer.iteration, trainer.ended_early) == (40, False)


def test_it_is_part_of_the_id() -> None:
    ids = {
        trial_id(TrialConfig(**{**BASE, "early_end": number}), DATA_ID) for number in (None, 3, 4)
    }
    assert len(ids) == 3
    assert trial_id(TrialConfig(**BASE), DATA_ID) in ids  # absent: as before there was any


# --- an attempt, and what a report says of it ---


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Two arms, one trial each: one that D wins, and one whose D decides nothing."""
    arms, trials = [], []
    for name, changes in (("baseline", {"criterion": "wasserstein"}), ("hopeless", {})):
        config = TrialConfig(**{**BASE, **HOPELESS, **changes})
        arms.append(Arm(name, changes, "baseline" if name == "hopeless" else None, config))
        trials.append(Trial(trial_id(config, DATA_ID), name, 0, config, DATA_ID))
    return Plan(
        study="early", budget="full", primaries=("fid",), metrics=("d_loss", "fid"),
        arms=tuple(arms), trials=tuple(trials), excluded=(), asks=None, replicates=1, evaluations=4,
    )  # fmt: skip


def wanted(plan: Plan) -> Measurements:
    return Measurements(plan.measured, ((4, ("fid",)),))


@pytest.fixture(scope="module")
def trials_root(plan: Plan, digits_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trial folders, of real attempts."""
    runs = tmp_path_factory.mktemp("runs")
    cache = shutil.copytree(digits_cache, runs / "data")  # features of other images are kept there
    root = runs / "trials"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate_module, "N_FAKE", 100)
        patch.setattr(evaluate_module, "N_REAL", 500)
        for trial in plan.trials:
            run(replace(job_for(runs, cache), trial=trial, wanted=wanted(plan)))
    return root


@pytest.fixture
def hopeless(plan: Plan, trials_root: Path) -> TrialFolder:
    return TrialFolder(trials_root, plan.trials[1].trial_id)


def test_the_folder_says_where_it_ended(
    plan: Plan, trials_root: Path, hopeless: TrialFolder
) -> None:
    facts = hopeless.complete
    assert facts is not None
    at = facts["ended_early_at"]
    assert facts["planned_iterations"] == TOTAL
    assert facts["iterations"] == facts["g_updates"] == at < TOTAL
    assert {len(steps) for steps in hopeless.losses().values()} == {at}
    grids = sorted((hopeless.path / "samples").glob("*.png"))
    assert int(grids[-1].stem) == at * 16  # the last picture is of the end
    assert TrialFolder(trials_root, plan.trials[0].trial_id).complete["ended_early_at"] is None
    for trial in plan.trials:
        assert not needs_run(trial, wanted(plan), trials_root, {})
    judged = outcome_of(plan.trials[1], hopeless, plan.measured)
    assert judged.kind == "saturated"
    assert judged.because.startswith("D right about ")
    assert judged.because.endswith(f" images; ended early at {at} of 200 iterations")


def test_every_table_and_status_say_so(
    plan: Plan, trials_root: Path, hopeless: TrialFolder
) -> None:
    at = hopeless.complete["ended_early_at"]
    trials = trials_frame(plan, trials_root)
    assert trials.loc[1, ["ended_early_at", "planned_iterations"]].tolist() == [at, TOTAL]
    assert bool(trials.loc[0, ["ended_early_at", "planned_iterations"]].isna().all())
    analysis = Analysis(plan, trials)
    columns = {column.title: column.texts() for column in analysis.columns}
    assert columns["Outcomes"][1] == "1/1 saturated, 1 ended early"
    assert "early" not in columns["Outcomes"][0]
    caption = " ".join(analysis.notes)
    assert "in each of 5 successive 20ths of its length" in caption
    assert (
        f"Ended early: 1 of 2 complete trials: hopeless 1 (at {at} of 200 iterations)." in caption
    )
    page = trials_table(trials, plan, {})
    assert page.rows[1][3].end == f"ended early at {at} of 200 iterations"
    assert page.rows[0][3].end == ""
    surveyed = plan_status(plan, trials_root)
    (line,) = notes(surveyed)
    assert line == f"1 trial ended early, saturated: hopeless / 0 at {at} of 200 iterations"
    early = [trial["ended_early"] for trial in status_as_json(surveyed)["trials"]]
    assert early == [None, (at, TOTAL)]


def test_the_protocol_names_the_rule_and_is_one_for_all(plan: Plan, trials_root: Path) -> None:
    stamps = trials_frame(plan, trials_root)["fid" + PROTOCOL]
    assert stamps.nunique() == 1
    assert stamps[0].endswith(", trained until saturated for 5 successive 20ths, or to the end")
    analysis = Analysis(plan, trials_frame(plan, trials_root))
    assert analysis.table["fid_mark"].isna().all()


def test_committed_rows_are_read_back(plan: Plan, trials_root: Path, tmp_path: Path) -> None:
    trials = trials_frame(plan, trials_root)
    (tmp_path / "trials.csv").write_text(trials_csv(trials))
    committed = read_trials(tmp_path / "trials.csv")
    fresh, notices = with_earlier(trials_frame(plan, tmp_path / "none"), committed, plan)
    assert notices == []
    assert trials_csv(fresh) == trials_csv(trials)


def test_curves_and_points_end_where_it_did(
    plan: Plan, trials_root: Path, hopeless: TrialFolder
) -> None:
    seen = hopeless.complete["images_seen"]
    curves = curves_frame(plan, trials_root)
    own = curves[curves["trial_id"] == plan.trials[1].trial_id]
    losses = own[own["metric"] == "d/criterion"]
    # The blocks are those of the whole training, as far as it went.
    assert len(losses) == math.floor(50 * seen / 16 / TOTAL)
    points = own.loc[own["metric"] == "fid", "images_seen"].tolist()
    assert points[-1] == seen
    assert points == sorted({*points})
    assert not own["value"].isna().any()
    whole = curves[(curves["trial_id"] == plan.trials[0].trial_id) & (curves["metric"] == "fid")]
    assert len(whole) == 4


def test_a_claim_about_a_later_point_takes_the_last_one(plan: Plan, trials_root: Path) -> None:
    trials, curves = trials_frame(plan, trials_root), curves_frame(plan, trials_root)
    ended = plan.trials[1]
    for metric in ("fid", "d/criterion"):
        trajectory = Evidence(plan, trials, curves).trajectory(ended.trial_id, metric)
        assert trajectory is not None
        assert trajectory.planned == TOTAL * 16 > trajectory.seen[-1]
        end, first = Position(amount=1, unit="share"), trajectory.seen[0]
        assert trajectory.at(end) == trajectory.value[-1]
        assert trajectory.at(Position(amount=first, unit="images")) == trajectory.value[0]
    without = Evidence(plan, trials.drop(columns="ended_early_at"), curves)
    assert math.isnan(without.trajectory(ended.trial_id, "d/criterion").at(end))


def test_a_study_without_it_has_no_such_column(plan: Plan, trials_root: Path) -> None:
    arms = tuple(
        replace(arm, config=arm.config.model_copy(update={"early_end": None})) for arm in plan.arms
    )
    frame = trials_frame(replace(plan, arms=arms, trials=()), trials_root)
    assert "ended_early_at" not in frame
    assert "planned_iterations" not in frame
