"""The worker, driven without Ray."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ganablate.sweep import trainable
from ganablate.sweep.job import Job, Progress
from ganablate.sweep.ray_session import LAST
from ganablate.sweep.trainable import INDEX, PAUSED, TrialTrainable
from ganablate.trials.needs import Measurements
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
