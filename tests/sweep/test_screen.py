"""What a person reads while a sweep runs."""

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.sweep.events import FailedTrial, Summary
from ganablate.sweep.job import Progress
from ganablate.sweep.screen import observers, watch
from ganablate.sweep.screen.observers import LineScreen, LiveScreen, screen_for
from ganablate.sweep.screen.overview import Overview, Picture, Running
from ganablate.sweep.screen.watch import Watch, overview_of
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import status_of


def progress(iteration: int, trial: str = "a", done: bool = False, **more: object) -> Progress:
    losses = {"d/criterion": 1.25, "g/criterion": 0.5}
    return Progress(
        trial_id=trial, iteration=iteration, total=100, images_seen=iteration * 8,
        losses=losses, done=done, **more,
    )  # fmt: skip


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(watch, "time", clock)
    monkeypatch.setattr(observers, "time", clock)
    return clock


def watch_of(total: int) -> Watch:
    watched = Watch()
    watched.started(total, 0)
    return watched


def seconds_left(watched: Watch) -> float | None:
    return watched.overview().seconds_left


def test_the_time_left_follows_from_the_speed(clock: Clock) -> None:
    watched = watch_of(4)
    assert seconds_left(watched) is None
    watched.progressed("baseline", 0, progress(0))
    clock.now += 30
    watched.progressed("baseline", 0, progress(50))  # half a trial in 30 s: a trial a minute
    assert seconds_left(watched) == pytest.approx(3.5 * 60)
    clock.now += 30
    watched.progressed("baseline", 0, progress(100, done=True))
    watched.ended("a", failed=False)
    assert seconds_left(watched) == pytest.approx(3 * 60)
    assert watched.overview().headline() == "1 of 4 trials done, about 3 min left"


def test_work_restored_from_a_checkpoint_does_not_count_as_speed(clock: Clock) -> None:
    watched = watch_of(2)
    watched.progressed("baseline", 0, progress(80))
    clock.now += 10
    watched.progressed("baseline", 0, progress(100, done=True))  # a fifth of a trial in 10 s
    watched.ended("a", failed=False)
    watched.progressed("baseline", 1, progress(50, trial="b", from_iteration=50))
    assert seconds_left(watched) == pytest.approx(0.5 * 50)


def test_a_trial_that_ends_early_is_a_whole_one_for_the_speed(clock: Clock) -> None:
    watched = watch_of(3)
    watched.progressed("baseline", 0, progress(0))
    clock.now += 10
    watched.completed(progress(40, done=True))
    assert seconds_left(watched) == pytest.approx(2 * 10)


def test_measuring_at_the_end_is_counted_once_a_trial_was_seen_to_its_end(clock: Clock) -> None:
    watched = watch_of(3)
    for iteration in (0, 40, 80):  # 20 s for the whole training
        watched.progressed("baseline", 0, progress(iteration))
        clock.now += 8
    assert seconds_left(watched) == pytest.approx((3 - 0.8) * 24 / 0.8)
    clock.now += 16  # 40 s are over, so that measuring took 20
    watched.completed(progress(100, done=True))
    assert seconds_left(watched) == pytest.approx(2 * 40)
    watched.progressed("baseline", 1, progress(50, trial="b", from_iteration=50))
    assert seconds_left(watched) == pytest.approx((2 - 0.5 / 2) * 40)


def summary(**changes: object) -> Summary:
    facts = {"complete": 1, "failed": 1, "reused": 0, "interrupted": False, "wall_seconds": 9.0}
    return Summary(**{**facts, **changes})


def failed(number: int, traceback: Path | None = None) -> FailedTrial:
    return FailedTrial(
        trial_id="", arm=f"arm{number}", replicate=0, message="OSError: no", traceback=traceback
    )


def last_lines(**facts: object) -> list[str]:
    """The last lines that a person reads, in a narrow window that is not a terminal."""
    stream = io.StringIO()
    screen_for(Console(file=stream, width=40)).finished(summary(**facts))
    return stream.getvalue().splitlines()


def test_plain_lines(clock: Clock) -> None:
    stream = io.StringIO()
    lines = screen_for(Console(file=stream, width=200))
    assert isinstance(lines, LineScreen)
    lines.started(3, 1, at_once=2)
    lines.progressed("baseline", 0, progress(10))
    clock.now += 61
    lines.progressed("baseline", 0, progress(20))
    lines.completed("baseline", 0, progress(100, done=True))
    lines.failed("lr=1.0", 2, 1, "OSError: full", will_retry=True, trial_id="c")
    lines.failed("lr=1.0", 2, 2, "OSError: full", will_retry=False, trial_id="c")
    lines.warned("no MLflow")
    lines.finished(summary(reused=1, interrupted=True, wall_seconds=75.0))
    assert stream.getvalue().splitlines() == [
        "3 trials, 1 of them complete before",
        "1 of 3 trials done, 1 running, 1 starting, about 18 min left",
        "  baseline / 0  iteration 20 of 100  D 1.250 ··▅▅▅··················  G 0.500 "
        "··▅▅▅··················",
        "baseline / 0: complete (D 1.250  G 0.500); 2 of 3 trials done, 1 starting, "
        "about 68 s left",
        "lr=1.0 / 2: attempt 1 failed, trying it again: OSError: full",
        "lr=1.0 / 2: attempt 2 failed, giving up on it: OSError: full",
        "warning: no MLflow",
        "1 trial completed, 1 reused, 1 failed, in 75 s, interrupted; run the same command again"
        " to go on",
    ]  # fmt: skip


def test_each_trial_that_failed_is_one_line_with_the_place_of_its_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs" / "trials" / "ab" / "traceback.txt"
    failures = (failed(0, path), failed(1), failed(2, Path("/else/where.txt")))
    assert last_lines(failures=failures) == [
        "1 trial completed, 1 failed, in 9 s",
        "failed: arm0 / 0: OSError: no; traceback: runs/trials/ab/traceback.txt",
        "failed: arm1 / 0: OSError: no",
        "failed: arm2 / 0: OSError: no; traceback: /else/where.txt",
    ]
    many = last_lines(failures=tuple(failed(number) for number in range(25)))
    assert len(many) == 1 + 20 + 1
    assert many[-1] == "and 5 more: ganablate status tells of all"

    assert last_lines(stopped="runs/trials cannot be written")[0] == (
        "1 trial completed, 1 failed, in 9 s, stopped; make room and run the same command again"
        " to go on"
    )


def test_the_live_screen_shows_running_trials_and_ends_clean() -> None:
    stream = io.StringIO()
    live = screen_for(Console(file=stream, width=100, force_terminal=True))
    assert isinstance(live, LiveScreen)
    live.started(2, 0)
    live.progressed("d_dropout=0.0", 1, progress(40))
    picture = "\n".join(lines_of(Picture(live.watch.overview()), 100))
    assert "0 of 2 trials done, 1 running" in picture
    assert "d_dropout=0.0 / 1  iteration 40 of 100" in picture
    assert "D 1.250 ········▅···" in picture
    assert "G 0.500 ········▅···" in picture
    live.finished(summary(complete=0, failed=0, interrupted=True))
    assert "interrupted" in stream.getvalue()


# What is known of the plan


STUDY = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, latent_dim: 8, epochs: 4, batch_size: 50}
ablate: {criterion: [mse]}
replicates: 3
primary: d_loss_mean
metrics: [d_loss, d_accuracy]
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "tiny.yaml"
    path.write_text(STUDY)
    return expand(load_study(path))


def complete(plan: Plan, number: int, root: Path, right: float) -> TrialFolder:
    """A complete trial whose D was right about this share of all images."""
    trial = plan.trials[number]
    folder = TrialFolder(root, trial.trial_id)
    folder.open(trial)
    steps = np.full(400, right, np.float32)
    folder.write_losses({"d/accuracy_real": steps, "d/accuracy_fake": steps})
    folder.begin_attempt({"wall_seconds": 30.0})
    folder.write_complete({"outcome": None, "iterations": 400, "planned_iterations": 400})
    return folder


def lines_of(picture: Picture, width: int, height: int = 25) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=width, height=height, force_terminal=False).print(picture)
    return stream.getvalue().splitlines()


def test_a_trial_that_becomes_complete_is_judged(plan: Plan, tmp_path: Path) -> None:
    for number, right in ((0, 0.7), (1, 1.0)):
        complete(plan, number, tmp_path, right)
    stream = io.StringIO()
    lines = screen_for(Console(file=stream, width=200), [plan], tmp_path)
    lines.started(6, 1)
    first, second = (trial.trial_id for trial in plan.trials[:2])
    lines.completed("baseline", 1, progress(100, trial=second, done=True))
    assert lines.watch.outcomes == {first: None, second: "saturated"}  # modes are not measured
    line = stream.getvalue().splitlines()[1]
    assert line.startswith("baseline / 1: saturated (D 1.250  G 0.500); 2 of 6 trials done")
    lines.finished(summary(failed=0, reused=1))
    assert stream.getvalue().splitlines()[-1] == "outcomes: 1 saturated, 1 not assessed"


def test_a_damaged_trial_does_not_end_the_watching(plan: Plan, tmp_path: Path) -> None:
    folder = complete(plan, 0, tmp_path, 0.7)
    (folder.path / "losses.npz").write_bytes(b"no archive")
    watched = Watch([plan], tmp_path)
    watched.started(6, 0)
    assert watched.completed(progress(9, trial=folder.trial_id)) == "complete"


def test_epochs_are_told_where_the_study_counts_in_them(plan: Plan) -> None:
    live = screen_for(Console(file=io.StringIO(), force_terminal=True), [plan])
    live.started(6, 0)
    of_plan = plan.trials[0].trial_id
    for iteration in (0, 25, 99):
        live.progressed("baseline", 0, progress(iteration, trial=of_plan))
        live.progressed("other", 0, progress(iteration, trial="elsewhere"))
    lines = lines_of(Picture(live.watch.overview()), 100)
    assert lines[0] == "tiny at full"
    assert "baseline / 0  epoch 4 of 4 " in lines[2]
    assert "other / 0     iteration 99 of 100 " in lines[3]
    live.close()


def test_the_epoch_is_the_one_that_a_trial_is_in() -> None:
    for done, epoch in ((0, 1), (24, 1), (25, 2), (100, 4)):
        running = Running(arm="a", replicate=0, iteration=done, total=100, epochs=4)
        assert running.where == f"epoch {epoch} of 4"


def many(count: int) -> Overview:
    curve = [(0.0, 3.0), (0.5, 1.0)]
    running = [
        Running(
            arm="network=a_pair_of_nets_with_a_rather_long_name,norm=batch", replicate=number,
            iteration=50, total=100, epochs=20, losses={"d/criterion": 1.5, "g/criterion": 20000.0},
            curves={"d/criterion": curve, "g/criterion": curve},
        )
        for number in range(count)
    ]  # fmt: skip
    return Overview(
        title="tiny at full", total=100, done=7, failed=1, running=running,
        outcomes={"ok": 4, "diverged": 3}, seconds_left=600.0,
    )  # fmt: skip


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_the_picture_fits_every_width_and_keeps_what_tells_trials_apart(width: int) -> None:
    lines = lines_of(Picture(many(2)), width)
    assert max(map(len, lines)) <= width
    assert lines[0] == "tiny at full"
    assert "7 of 100 trials done" in lines[1]
    assert lines[-3] == "outcomes: 4 ok, 3 diverged"
    rows = lines[-2:]
    assert all("epoch 11 of 20" in row for row in rows)
    assert not any("1.5…" in row or "1…" in row for row in rows)  # a number is whole, or not there
    assert len(lines) == 5 + (width < 60)
    if width >= 60:
        assert ["/ 0" in rows[0], "/ 1" in rows[1]] == [True, True]
        assert all("epoch 11 of 20" in row and "D 1.500" in row for row in rows)
        assert all("▁" in row for row in rows)


def test_a_low_terminal_shows_fewer_trials_and_says_how_many_more() -> None:
    lines = lines_of(Picture(many(20)), 100, height=12)
    assert sum("epoch" in line for line in lines) == 4
    assert lines[-1] == "and 16 more running"
    assert len(lines) <= 12


def test_outcomes_of_a_part_of_the_trials_say_of_how_many() -> None:
    lines = lines_of(Picture(replace(many(0), done=9)), 100)
    assert lines[2] == "outcomes of 7 of 9 done: 4 ok, 3 diverged"
    assert many(2).share == pytest.approx((8 + 2 * 0.5) / 100)


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(screen_for(Console(file=io.StringIO(), force_terminal=True)), LineScreen)


@pytest.mark.parametrize("no_color", [True, False])
def test_no_colour_where_none_is_wanted(no_color: bool) -> None:
    stream = io.StringIO()
    Console(
        file=stream, force_terminal=True, color_system="standard", no_color=no_color, width=100
    ).print(Picture(many(1)))
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", stream.getvalue())) is not no_color


def test_the_quiet_screen_tells_of_warnings_and_failures_alone() -> None:
    stream = io.StringIO()
    silent = Console(file=io.StringIO(), quiet=True)
    quiet = screen_for(silent, errors=Console(file=stream, width=200))
    quiet.started(2, 1)
    quiet.progressed("baseline", 0, progress(10))
    quiet.completed("baseline", 0, progress(100, done=True))
    quiet.warned("no MLflow")
    quiet.failed("lr=1.0", 2, 1, "OSError: full", will_retry=False, trial_id="c")
    quiet.finished(summary())
    assert stream.getvalue().splitlines() == [
        "warning: no MLflow",
        "lr=1.0 / 2: attempt 1 failed, giving up on it: OSError: full",
    ]


def test_of_two_studies_the_one_is_named_and_its_trial_is_the_one_that_ended(plan: Plan) -> None:
    """Both have an arm `baseline`, and a trial 0 of it."""
    arm, other = plan.trials[0], plan.trials[-1]
    plans = [
        replace(plan, study="a", trials=(arm,)),
        replace(plan, study="b", trials=(replace(other, arm=arm.arm, replicate=0),)),
    ]
    stream = io.StringIO()
    lines = screen_for(Console(file=stream, width=200), plans)
    lines.started(2, 0)
    for trial in (arm, other):
        lines.progressed("baseline", 0, progress(50, trial=trial.trial_id))
    names = [trial.name for trial in lines.watch.overview().running]
    assert names == ["a: baseline / 0", "b: baseline / 0"]
    lines.failed("baseline", 0, 1, "OSError: no", will_retry=True, trial_id=other.trial_id)
    assert len(lines.watch.running) == 2
    lines.failed("baseline", 0, 2, "OSError: no", will_retry=False, trial_id=other.trial_id)
    assert list(lines.watch.running) == [arm.trial_id]
    lines.completed("baseline", 0, progress(100, trial=arm.trial_id, done=True))
    failure = replace(failed(0), trial_id=other.trial_id, arm="baseline")
    lines.finished(summary(failures=(failure,)))
    printed = stream.getvalue().splitlines()
    assert printed[1:3] == [
        "b: baseline / 0: attempt 1 failed, trying it again: OSError: no",
        "b: baseline / 0: attempt 2 failed, giving up on it: OSError: no",
    ]
    assert printed[3].startswith("a: baseline / 0: complete (")
    assert printed[-1] == "failed: b: baseline / 0: OSError: no"


# From another terminal


def test_the_folders_say_what_the_screen_says(plan: Plan, tmp_path: Path) -> None:
    complete(plan, 0, tmp_path, 1.0)
    trial = plan.trials[1]
    folder = TrialFolder(tmp_path, trial.trial_id)
    with folder.claim():
        folder.open(trial)
        folder.begin_attempt({"wall_seconds": 30.0, "from_iteration": 0, "until_iteration": 100})
        for last, value in ((50, 2.0), (100, 1.0)):
            points = {"d/criterion": [[last, value, 0]], "g/criterion": [[last, 3 - value, 0]]}
            folder.write_checkpoint(
                last, lambda path: path.touch(), {"iteration": last, "points": points}
            )
        statuses = {each.trial_id: status_of(each, tmp_path) for each in plan.trials}
        overview = overview_of(plan, statuses, tmp_path)
    assert overview.headline() == "1 of 6 trials done, 1 running, about 6 min left"
    # 4 wait, 3/4 of one is left; 30 s were measured of a whole one, 120 s at the other's speed.
    assert overview.seconds_left == pytest.approx(4.75 * (30 + 120) / 2)
    assert overview.outcomes == {"saturated": 1}
    (running,) = overview.running
    assert (running.where, running.losses) == (
        "epoch 2 of 4", {"d/criterion": 1.0, "g/criterion": 2.0},
    )  # fmt: skip
    assert running.curves["d/criterion"] == [(0.125, 2.0), (0.25, 1.0)]
