"""What a person reads while a sweep runs."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from ganablate import screen
from ganablate.screen import LineScreen, LiveScreen, Watch, screen_for, span
from ganablate.sweep.events import FailedTrial, Summary
from ganablate.sweep.job import Progress


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
    monkeypatch.setattr(screen, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3540, "59 min"), (3600, "1 h 00 min"),
     (11100, "3 h 05 min")],
)  # fmt: skip
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_the_time_left_follows_from_the_speed(clock: Clock) -> None:
    watch = Watch()
    watch.total = 4
    assert watch.seconds_left() is None
    watch.progressed("baseline", 0, progress(0))
    clock.now += 30
    watch.progressed("baseline", 0, progress(50))  # half a trial in 30 s: a trial a minute
    assert watch.seconds_left() == pytest.approx(3.5 * 60)
    clock.now += 30
    watch.progressed("baseline", 0, progress(100, done=True))
    watch.ended("a", failed=False)
    assert watch.seconds_left() == pytest.approx(3 * 60)
    assert watch.headline() == "1 of 4 trials done, 0 running, about 3 min left"


def test_work_restored_from_a_checkpoint_does_not_count_as_speed(clock: Clock) -> None:
    watch = Watch()
    watch.total = 2
    watch.progressed("baseline", 0, progress(80))
    clock.now += 10
    watch.progressed("baseline", 0, progress(100, done=True))  # a fifth of a trial in 10 s
    watch.ended("a", failed=False)
    watch.progressed("baseline", 1, progress(50, trial="b", from_iteration=50))
    assert watch.seconds_left() == pytest.approx(0.5 * 50)


def test_short_trials_count_from_their_start(clock: Clock) -> None:
    watch = Watch()
    watch.total = 3
    watch.progressed("baseline", 0, progress(100, done=True))
    watch.ended("a", failed=False)
    clock.now += 4
    watch.progressed("baseline", 1, progress(100, trial="b", done=True))
    watch.ended("b", failed=False)
    assert watch.seconds_left() == pytest.approx(4)


def test_plain_lines(clock: Clock) -> None:
    stream = io.StringIO()
    lines = screen_for(Console(file=stream, width=200))
    assert isinstance(lines, LineScreen)
    lines.started(3, 1)
    lines.progressed("baseline", 0, progress(10))
    clock.now += 61
    lines.progressed("baseline", 0, progress(20))
    lines.completed("baseline", 0, progress(100, done=True))
    lines.failed("lr=1.0", 2, 1, "OSError: full", will_retry=True)
    lines.failed("lr=1.0", 2, 2, "OSError: full", will_retry=False)
    lines.warned("no MLflow")
    lines.finished(Summary(complete=1, failed=1, reused=1, interrupted=True, wall_seconds=75.0))
    assert stream.getvalue().splitlines() == [
        "3 trials, 1 of them complete before",
        "1 of 3 trials done, 1 running, about 18 min left",
        "baseline / 0: complete (D 1.250  G 0.500); 2 of 3 trials done, 0 running, about 68 s left",
        "lr=1.0 / 2: attempt 1 failed, trying it again: OSError: full",
        "lr=1.0 / 2: attempt 2 failed, giving up on it: OSError: full",
        "warning: no MLflow",
        "1 trials completed, 1 reused, 1 failed, in 75 s, interrupted; run the same command again"
        " to go on",
    ]  # fmt: skip


def failed(number: int, traceback: Path | None = None) -> FailedTrial:
    return FailedTrial(arm=f"arm{number}", replicate=0, message="OSError: no", traceback=traceback)


def finished(**facts: object) -> list[str]:
    """The last lines that a person reads, in a narrow window that is not a terminal."""
    stream = io.StringIO()
    counts = {"complete": 1, "failed": 1, "reused": 0, "interrupted": False, "wall_seconds": 9.0}
    screen_for(Console(file=stream, width=40)).finished(Summary(**{**counts, **facts}))
    return stream.getvalue().splitlines()


def test_each_trial_that_failed_is_one_line_with_the_place_of_its_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "runs" / "trials" / "ab" / "traceback.txt"
    assert finished(failures=(failed(0, path), failed(1), failed(2, Path("/else/where.txt")))) == [
        "1 trials completed, 1 failed, in 9 s",
        "failed: arm0 / 0: OSError: no; traceback: runs/trials/ab/traceback.txt",
        "failed: arm1 / 0: OSError: no",
        "failed: arm2 / 0: OSError: no; traceback: /else/where.txt",
    ]
    many = finished(failures=tuple(failed(number) for number in range(25)))
    assert len(many) == 1 + 20 + 1
    assert many[-1] == "and 5 more: ganablate status tells of all"


def test_a_sweep_that_stopped_says_how_to_go_on() -> None:
    assert finished(stopped="runs/trials cannot be written")[0] == (
        "1 trials completed, 1 failed, in 9 s, stopped; make room and run the same command again"
        " to go on"
    )


def test_the_live_screen_shows_running_trials_and_ends_clean() -> None:
    stream = io.StringIO()
    live = screen_for(Console(file=stream, width=100, force_terminal=True))
    assert isinstance(live, LiveScreen)
    live.started(2, 0)
    live.progressed("d_dropout=0.0", 1, progress(40))
    picture = io.StringIO()
    Console(file=picture, width=100).print(live.picture())
    assert "0 of 2 trials done, 1 running" in picture.getvalue()
    assert "d_dropout=0.0 / 1" in picture.getvalue()
    assert "40 of 100" in picture.getvalue()
    assert "D 1.250  G 0.500" in picture.getvalue()
    live.finished(Summary(complete=0, failed=0, reused=0, interrupted=True, wall_seconds=1.0))
    assert "interrupted" in stream.getvalue()
