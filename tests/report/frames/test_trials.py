"""trials.csv and curves.csv: exact, in plan order, and merged with what was committed."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ganablate.report.analysis import Analysis
from ganablate.report.frames.curves import curves_csv, read_curves
from ganablate.report.frames.earlier_record import with_earlier, with_earlier_curves
from ganablate.report.frames.trials import curves_frame, read_trials, trials_csv, trials_frame
from ganablate.trials.folder import TrialFolder
from tests.support.synthetic_study import METRICS, STAMP, make_plan, write_trial

THIRD = 0.1 + 0.2  # its shortest exact text has 17 digits
NUMBERS = {"d_loss_mean": THIRD, "fid": 1e-300, "modes": 9.0, "recall": 0.5}


@pytest.fixture
def plan():
    return make_plan({"baseline": {}, 'odd, "NA"': {"batch_size": 32}}, replicates=2)


def test_rows_follow_the_plan_and_missing_stays_missing(plan, tmp_path):
    write_trial(tmp_path, plan.trials[2], numbers=NUMBERS)
    frame = trials_frame(plan, tmp_path)
    assert list(frame["trial_id"]) == [trial.trial_id for trial in plan.trials]
    assert list(frame["state"]) == ["pending", "pending", "complete", "pending"]
    row = frame.iloc[2]
    assert (row["fid"], row["modes"], row["fid_protocol"]) == (1e-300, 9.0, STAMP)
    assert (row["device"], row["precision"], row["g_updates"]) == ("cpu", "bf16", 1950)
    assert frame["fid"].isna().tolist() == [True, True, False, True]
    assert np.isnan(row["g_loss_mean"])
    assert "d_loss_mean_protocol" not in frame


def test_columns_are_those_of_the_metrics(tmp_path):
    frame = trials_frame(make_plan({"baseline": {}}, metrics=("fid",)), tmp_path)
    assert list(frame.columns)[-2:] == ["fid", "fid_protocol"]
    assert "d_loss_mean" not in frame


def test_resumed_on_other_hardware_names_both(plan, tmp_path):
    write_trial(tmp_path, plan.trials[0], numbers=NUMBERS)
    folder = TrialFolder(tmp_path, plan.trials[0].trial_id)
    folder.begin_attempt({"device": "cuda", "precision": "bf16"})
    row = trials_frame(plan, tmp_path).iloc[0]
    assert (row["device"], row["precision"]) == ("cpu+cuda", "bf16")


def test_round_trip_is_exact(plan, tmp_path):
    write_trial(tmp_path, plan.trials[0], numbers=NUMBERS)
    write_trial(tmp_path, plan.trials[2], numbers={"fid": float(np.nextafter(20.0, 21.0))})
    frame = trials_frame(plan, tmp_path)
    text = trials_csv(frame)
    (tmp_path / "trials.csv").write_bytes(text.encode())
    back = read_trials(tmp_path / "trials.csv")
    pd.testing.assert_frame_equal(back, frame, check_exact=True)
    assert trials_csv(back) == text
    assert "0.30000000000000004" in text
    assert "\r" not in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trial_id,arm,replicate\na,b,0\n", "the column state is missing"),
        ("trial_id,arm,replicate,state,fid\na,b,0,complete,twelve\n", "twelve"),
    ],
)
def test_unreadable_file_is_named(text, said, tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        read_trials(path)
    assert str(path) in str(caught.value)


@pytest.fixture
def joined(plan, tmp_path):
    """Joins what is under `here` with what was under `there`: both frames, the whole, notices."""

    def run():
        here, earlier = (trials_frame(plan, tmp_path / name) for name in ("here", "there"))
        return here, earlier, *with_earlier(here, earlier, plan)

    return run


def test_earlier_rows_stay_where_the_folders_are_gone(plan, joined, tmp_path):
    for trial in plan.trials:
        write_trial(tmp_path / "there", trial, numbers=NUMBERS)
    _, earlier, whole, notices = joined()
    pd.testing.assert_frame_equal(whole, earlier, check_exact=True)
    assert notices == []


def test_a_trial_that_is_here_has_the_row_of_its_folder_whole(plan, joined, tmp_path):
    """Not even what it lacks is taken from another training."""
    for trial in plan.trials[:2]:
        write_trial(tmp_path / "there", trial, numbers=NUMBERS)
    write_trial(tmp_path / "here", plan.trials[0], numbers={"fid": 2.5})
    here, earlier, whole, notices = joined()
    pd.testing.assert_series_equal(whole.iloc[0], here.iloc[0])
    pd.testing.assert_series_equal(whole.iloc[1], earlier.iloc[1])
    assert whole["modes"].isna().tolist()[:2] == [True, False]
    assert notices == []


def test_outcomes_are_judged_here_and_kept_where_only_the_row_is(plan, joined, tmp_path):
    for trial in plan.trials[:2]:
        write_trial(tmp_path / "there", trial, numbers=NUMBERS, outcome="saturated")
    write_trial(tmp_path / "here", plan.trials[0], numbers=NUMBERS)
    here, earlier, whole, notices = joined()
    assert earlier["outcome_because"].iloc[0].startswith("D right about 100 % of real")
    assert whole["outcome"].tolist()[:2] == ["ok", "saturated"]
    assert notices == []
    older = earlier.drop(columns="outcome_because").assign(outcome=None)
    whole, notices = with_earlier(here, older, plan)
    assert (whole["outcome"].iloc[0], whole["outcome"].isna().iloc[1]) == ("ok", True)
    assert notices == []


def test_a_failed_attempt_here_does_not_undo_an_earlier_result(plan, joined, tmp_path):
    first = plan.trials[0]
    write_trial(tmp_path / "there", first, numbers=NUMBERS)
    folder = TrialFolder(tmp_path / "here", first.trial_id)
    folder.open(first)
    folder.write_failure(1, "out of memory", "...")
    here, _, whole, notices = joined()
    assert here["state"].iloc[0] == "failed"
    assert (whole["state"].iloc[0], whole["fid"].iloc[0]) == ("complete", 1e-300)
    assert notices == [
        "1 trial(s) failed here or are stale since they were complete: the earlier numbers stay"
    ]


def test_only_trials_of_the_plan_stay_and_the_plan_names_the_arms(plan, tmp_path):
    for trial in plan.trials:
        write_trial(tmp_path, trial, numbers=NUMBERS)
    committed = trials_frame(plan, tmp_path).assign(arm="old name")
    smaller = make_plan({"baseline": {}}, replicates=1, metrics=METRICS)
    merged, notices = with_earlier(trials_frame(smaller, tmp_path / "none"), committed, smaller)
    assert list(merged["arm"]) == ["baseline"]
    assert merged["fid"].iloc[0] == 1e-300
    assert notices == ["3 earlier row(s) left out: their trials are not in this plan"]


@pytest.mark.parametrize("steps", [1, 2, 49, 50, 51, 149, 780, 5000])
def test_curves_are_means_of_equal_blocks(plan, tmp_path, steps):
    values = np.random.default_rng(steps).random(steps, dtype=np.float32)
    write_trial(tmp_path, plan.trials[2], numbers=NUMBERS, losses={"g/criterion": values})
    curves = curves_frame(plan, tmp_path)
    batch = plan.trials[2].config.batch_size
    ends = [0, *(curves["images_seen"] // batch)]
    assert len(curves) == min(steps, 50)
    assert ends[-1] == steps
    assert set(np.diff(ends)) <= {steps // 50, -(-steps // 50)}
    by_hand = [values[i:j].astype(np.float64).mean() for i, j in pairwise(ends)]
    assert curves["value"].tolist() == [float(f"{value:.6g}") for value in by_hand]
    spreads = [np.std(values[i:j].astype(np.float64)) for i, j in pairwise(ends)]
    assert curves["spread"].tolist() == [float(f"{spread:.3g}") for spread in spreads]


def test_a_block_with_a_step_that_is_not_finite_has_no_value(plan, tmp_path):
    values = np.full(100, 1 / 3, dtype=np.float32)
    values[[2, 9]] = np.inf, np.nan
    write_trial(tmp_path, plan.trials[0], numbers={}, losses={"d/criterion": values})
    text = curves_csv(curves_frame(plan, tmp_path))
    (tmp_path / "curves.csv").write_text(text)
    back = read_curves(tmp_path / "curves.csv")
    assert np.flatnonzero(back["value"].isna()).tolist() == [1, 4]
    assert set(back["value"].dropna()) == {0.333333}
    assert curves_csv(back) == text


def test_older_curves_are_written_as_they_were(plan, tmp_path):
    old = "trial_id,metric,images_seen,value\n" + f"{plan.trials[1].trial_id},d/criterion,64,0.5\n"
    (tmp_path / "curves.csv").write_text(old)
    committed = read_curves(tmp_path / "curves.csv")
    assert curves_csv(committed) == old
    steps = {"d/criterion": np.array([1.0, 2.0], dtype=np.float32)}
    write_trial(tmp_path, plan.trials[0], numbers={}, losses=steps)
    trials = trials_frame(plan, tmp_path).assign(state="complete")
    here = {plan.trials[0].trial_id}
    mixed = curves_csv(with_earlier_curves(curves_frame(plan, tmp_path), committed, trials, here))
    assert mixed.splitlines()[0] == "trial_id,metric,images_seen,value,spread"
    assert mixed.splitlines()[-1].endswith(",d/criterion,64,0.5,")
    (tmp_path / "curves.csv").write_text(mixed)
    assert curves_csv(read_curves(tmp_path / "curves.csv")) == mixed


def test_images_seen_counts_every_step_of_d(tmp_path):
    plan = make_plan({"baseline": {"d_steps": 5}}, replicates=1)
    write_trial(tmp_path, plan.trials[0], numbers={}, losses={"d/criterion": np.ones(3)})
    assert curves_frame(plan, tmp_path)["images_seen"].tolist() == [320, 640, 960]


def test_columns_of_probes_carry_their_protocol(tmp_path):
    plan = make_plan({"baseline": {}}, replicates=1, metrics=("fid",), probes=("walk", "filters"))
    write_trial(tmp_path, plan.trials[0], numbers={"fid": 2.0})
    folder = TrialFolder(tmp_path, plan.trials[0].trial_id)
    folder.add_metrics(["walk"], {"walk_largest_step": 1.25}, {"walk_largest_step": "5 lines"})
    frame = trials_frame(plan, tmp_path)
    assert list(frame.columns)[-4:] == [
        "fid", "walk_largest_step", "fid_protocol", "walk_largest_step_protocol",
    ]  # fmt: skip
    assert frame["walk_largest_step"].tolist() == [1.25]
    assert frame["walk_largest_step_protocol"].tolist() == ["5 lines"]
    analysis = Analysis(plan, frame)
    assert analysis.table["walk_largest_step"].tolist() == [1.25]
    said = "\n".join(analysis.notes)
    assert "Largest step of a walk: 5 lines." in said
    assert "Mean steps: Largest step of a walk." in said


def test_blocks_of_a_diverged_trial_are_fiftieths_of_the_whole_training(plan, tmp_path):
    trial = plan.trials[0]  # 25 epochs of 78 steps: 1,950
    values = np.append(np.ones(99), np.nan).astype(np.float32)
    write_trial(tmp_path, trial, numbers={}, outcome="diverged", losses={"d/criterion": values})
    curves = curves_frame(plan, tmp_path)
    assert (curves["images_seen"] / trial.config.batch_size).tolist() == [39, 78, 117]
    assert curves["value"].isna().tolist() == [False, False, True]


def test_curves_of_55_trials_stay_under_300_kb(tmp_path):
    plan = make_plan({f"latent_dim={n}": {"latent_dim": n} for n in range(2, 13)}, replicates=5)
    random = np.random.default_rng(3)
    for trial in plan.trials:
        losses = {
            k: random.normal(size=780).astype(np.float32) for k in ("d/criterion", "g/criterion")
        }
        write_trial(tmp_path, trial, numbers={}, losses=losses)
    assert 200_000 < len(curves_csv(curves_frame(plan, tmp_path))) < 300_000


def test_curves_are_from_where_the_row_is(plan, tmp_path):
    def run(root, trial, value, **more):
        losses = {"d/criterion": np.full(3, value, dtype=np.float32), **more}
        write_trial(root, trial, numbers=NUMBERS, losses=losses)

    g_loss = {"g/criterion": np.ones(3, dtype=np.float32)}
    run(tmp_path / "there", plan.trials[0], 1)
    run(tmp_path / "there", plan.trials[1], 2, **g_loss)
    run(tmp_path / "here", plan.trials[1], 5)
    old, new = (curves_frame(plan, tmp_path / name) for name in ("there", "here"))
    here, earlier = (trials_frame(plan, tmp_path / name) for name in ("here", "there"))
    trials, _ = with_earlier(here, earlier, plan)
    joined = with_earlier_curves(new, old, trials, {plan.trials[1].trial_id})
    assert joined["value"].tolist() == [1.0] * 3 + [5.0] * 3
    assert list(joined["trial_id"].unique()) == [t.trial_id for t in plan.trials[:2]]
