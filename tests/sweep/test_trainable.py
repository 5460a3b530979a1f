"""The worker, driven without Ray."""

import gc
import json
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganablate.study.plugins import forget_plugins, load_plugins
from ganablate.sweep import trainable
from ganablate.sweep.job import DEFAULT_ATTEMPT, AttemptError, Job, Progress
from ganablate.sweep.ray_session import LAST
from ganablate.sweep.trainable import INDEX, PAUSED, TrialTrainable
from ganablate.sweep.worker_log import place_of_standstill
from ganablate.trials.needs import Measurements
from tests.support.plugin_files import BAD, write
from tests.support.real_attempt import job_for
from tests.support.sweep_cases import plan


class _Networks:
    """What lies on a GPU: it holds on to itself, as hooks and optimizers may."""

    def __init__(self) -> None:
        self.itself = self


class _Attempt:
    """Of two steps."""

    networks: "weakref.ref[_Networks]"

    def __init__(self, job: Job) -> None:
        self._networks = _Networks()
        _Attempt.networks = weakref.ref(self._networks)
        self._steps = 0

    def advance(self) -> Progress:
        self._steps += 1
        return Progress(
            trial_id="a", iteration=self._steps, total=2, images_seen=8, done=self._steps == 2
        )

    def close(self) -> None:
        pass


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrialTrainable]:
    monkeypatch.setattr(trainable, "load_factory", lambda _: _Attempt)
    made = TrialTrainable.__new__(TrialTrainable)
    job = Job(
        trial=plan(["baseline"]).trials[0], wanted=Measurements(()), trials_root=tmp_path,
        cache=tmp_path, data_root=None, device="cpu", precision="fp32", threads=1,
        checkpoint_seconds=1,
    )  # fmt: skip
    made.setup({INDEX: 0}, [job, job], "none:none", stop_file=tmp_path / "stop")
    gc.collect()
    gc.disable()  # what is collected here is collected on purpose
    yield made
    gc.enable()


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the networks were gone, each time that the GPU's memory was given back."""
    gone: list[bool] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: gone.append(_Attempt.networks() is None))
    return gone


@pytest.mark.parametrize("steps", [1, 2])
def test_a_worker_keeps_no_gpu_memory_between_two_trials(
    worker: TrialTrainable, gone: list[bool], steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After two steps a trial is done; after one it was stopped from outside."""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    for _ in range(steps):
        assert gone == []
        worker.step()
    worker.reset_config({INDEX: 1})
    assert gone == [True]


def test_a_worker_without_a_gpu_spends_no_time_on_it(
    worker: TrialTrainable, gone: list[bool]
) -> None:
    worker.step()
    worker.step()
    worker.reset_config({INDEX: 1})
    assert gone == []
    assert _Attempt.networks() is not None, "they go with a collection of Python's own"


def test_near_the_end_of_the_time_what_runs_goes_on_and_nothing_begins(
    worker: TrialTrainable, tmp_path: Path
) -> None:
    assert not worker.step()["done"]
    (tmp_path / LAST).touch()
    assert worker.step()["done"]
    assert worker.reset_config({INDEX: 1})
    assert worker.step() == {PAUSED: True}
    (tmp_path / LAST).unlink()
    assert not worker.step()["done"]


# --- parts that leave, hang or print ---


@pytest.fixture
def worker_of(
    tmp_path: Path, digits_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], TrialTrainable]]:
    """A worker that trains by a criterion of the plug-in `BAD`, by real attempts."""
    load_plugins([str(write(tmp_path, BAD))])

    def made_of(criterion: str) -> TrialTrainable:
        job = replace(
            job_for(tmp_path, digits_cache, criterion=criterion), wanted=Measurements(("d_loss",))
        )
        made = TrialTrainable.__new__(TrialTrainable)
        made.setup({INDEX: 0}, [job], DEFAULT_ATTEMPT, standstill_after=0.2)
        return made

    yield made_of
    forget_plugins()


@pytest.mark.parametrize(
    ("criterion", "raised"), [("exits", "SystemExit: 3"), ("interrupts", "KeyboardInterrupt")]
)
def test_a_part_that_leaves_is_a_failure_with_its_line(
    worker_of: Callable[[str], TrialTrainable], tmp_path: Path, criterion: str, raised: str
) -> None:
    with pytest.raises(AttemptError) as caught:
        worker_of(criterion).step()
    line = next(n for n, text in enumerate(BAD.split("\n"), 1) if f"def {criterion}" in text) + 2
    message = f"{raised}, at my_losses.py:{line} in {criterion}"
    assert caught.value.args[0].message == message
    (failure,) = tmp_path.glob("trials/*/failure.json")
    assert json.loads(failure.read_text())["message"] == message


def test_the_end_of_a_worker_by_ray_is_no_failure_of_a_trial(
    worker_of: Callable[[str], TrialTrainable], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ray._raylet import raise_sys_exit_with_custom_error_message

    def end(*_: object) -> None:
        raise_sys_exit_with_custom_error_message("The process receives a SIGTERM.", exit_code=1)

    monkeypatch.setattr("ganablate.sweep.attempt.TrialAttempt._train", end)
    with pytest.raises(SystemExit):
        worker_of("prints").step()
    assert not list(tmp_path.glob("trials/*/failure.json"))


def test_what_a_part_prints_is_in_the_folder_of_its_trial(
    worker_of: Callable[[str], TrialTrainable],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    worker_of("prints").step()
    (output,) = tmp_path.glob("trials/*/output.log")
    assert output.read_text() == "to stdout\nto stderr\n"
    assert capfd.readouterr() == ("", "")


def test_where_a_part_stands_that_hangs_is_in_the_folder_of_its_trial(
    worker_of: Callable[[str], TrialTrainable], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands: list[str] = []

    def sleep(_: float) -> None:
        real_sleep(0.02)
        for path in tmp_path.glob("trials/*/standstill.txt"):
            stands.append(place_of_standstill(path.parent))
            raise TimeoutError

    real_sleep = time.sleep
    worker = worker_of("hangs")
    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(AttemptError):
        worker.step()
    line = next(n for n, text in enumerate(BAD.split("\n"), 1) if "time.sleep(0.1)" in text)
    assert stands == [f", at my_losses.py:{line} in hangs"]
    assert not list(tmp_path.glob("trials/*/standstill.txt"))
