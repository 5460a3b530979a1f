"""One execution of a trial: where its folder, the trainer and the metrics meet.

An attempt claims the trial, goes on from its newest readable checkpoint, trains, measures, and
declares the trial complete. It can be killed at any moment.
"""

import contextlib
import logging
import os
import platform
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ganablate.gan.checkpoint import (
    CheckpointError,
    load_state,
    load_weights,
    save_state,
    save_weights,
)
from ganablate.gan.data import MaterialisedData
from ganablate.gan.samples import save_grid
from ganablate.gan.training import Training, training_of, weights_are_finite
from ganablate.sweep.job import Job, Progress, failure_of, is_fault
from ganablate.sweep.machine import processor_name
from ganablate.sweep.measure import animate, data_of, measure, measure_during
from ganablate.trials.folder import TrialFolder, block_of, equal_parts, now_ms
from ganablate.trials.needs import (
    check_weights,
    lacks_evaluations,
    measured_in_retired,
    missing,
    state_of,
)
from ganablate.version import __version__

_PROGRESS_SECONDS = 3.0
"""Time between two reports to the driver; checkpoints are rarer (a setting of the profile)."""
_SAMPLE_GRIDS = 8
"""Sample grids of a trial, evenly spaced over its length."""
_SAMPLES = 64
_STRETCH_SECONDS = 0.5
"""Training between two looks at the clock, about: at its end losses come from the device."""

_log = logging.getLogger(__name__)


def start(job: Job) -> "TrialAttempt":
    """Claim the trial and go to where it stopped. Waits while another process holds it."""
    attempt = TrialAttempt(job)
    try:
        attempt.open()
    except BaseException:
        attempt.close()
        raise
    return attempt


class TrialAttempt:
    """Implements `ganablate.sweep.job.Attempt`."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.config = job.trial.config
        self.folder = TrialFolder(job.trials_root, job.trial.trial_id)
        self.device = self.config.device or job.device
        self.precision = self.config.precision or job.precision
        self.number = 0
        self._held = contextlib.ExitStack()
        self._began = self._checkpoint_began = time.monotonic()
        self._block_from = self._from_iteration = 0
        self._stretch = 1  # iterations between two looks at the clock

    def open(self) -> None:
        """Claim the trial, record the attempt, restore the newest checkpoint."""
        torch.set_num_threads(self.job.threads)
        self._held.enter_context(self.folder.claim())
        with self._recording_failure():
            if fault := self._fault_of_folder():
                _log.warning("%s %s", self.folder.path, fault)
                self.folder.retire()
            self._complete = self.folder.complete
            if self._complete is None:
                self.folder.open(self.job.trial)
                self.number = self.folder.begin_attempt(self._facts())
                self._restore()
                self.folder.update_attempt(self.number, from_iteration=self.trainer.iteration)
        self._began = self._checkpoint_began = time.monotonic()
        if self._complete is None:
            self._from_iteration = self.trainer.iteration
            # Where a checkpoint was unreadable its block stays, so its points come only once.
            self._block_from = max(self._from_iteration, self.folder.points_reach)

    def advance(self) -> Progress:
        """Train for a few seconds, or measure and finish; see `Attempt`."""
        with self._recording_failure():
            if self._complete is not None:
                return self._add_missing_metrics(self._complete)
            self._train(min(_PROGRESS_SECONDS, self.job.checkpoint_seconds))
            if self.trainer.done:
                return self._finish()
            due = time.monotonic() - self._checkpoint_began >= self.job.checkpoint_seconds
            return self._progress(blocks=(self._checkpoint(),) if due else ())

    def pause(self) -> Progress:
        """Write a checkpoint of what was trained since the last one; see `Attempt`."""
        complete = self._complete
        if complete is not None:
            return self._completed(complete)
        trained = self.trainer.iteration > self._block_from
        return self._progress(blocks=(self._checkpoint(),) if trained else ())

    def close(self) -> None:
        """Let go of the trial's lock and memory."""
        self._held.close()
        self.__dict__.pop("trainer", None)
        self.__dict__.pop("data", None)

    @cached_property
    def data(self) -> MaterialisedData:
        """The data set of the trial."""
        return data_of(self.job)

    @cached_property
    def trainer(self) -> Training:
        """The training, at its first iteration until something is restored."""
        images = self.data.images
        return training_of(self.config, images, device=self.device, precision=self.precision)

    # --- training ---

    def _restore(self) -> None:
        for path in self.folder.states():
            try:
                self.trainer.restore(load_state(path))
            except (CheckpointError, OSError) as error:
                _log.warning("%s; falling back to the one before", error)
                if isinstance(error, CheckpointError):
                    path.unlink()
            else:
                return

    def _fault_of_folder(self) -> str:
        """Why what is in the folder is of no use; empty where it is."""
        fingerprint, complete = self.data.fingerprint, self.folder.complete
        state = state_of(self.job.trial, self.job.trials_root, fingerprint=fingerprint)
        seen = {attempt.get("data_fingerprint", fingerprint) for attempt in self.folder.attempts()}
        if state == "stale" or not seen <= {fingerprint}:
            return "saw other data; training it again"
        reached = self.folder.reached if complete is None else complete["iterations"]
        total = self.trainer.total_iterations
        job = self.job
        if lacks_evaluations(job.trial, job.trials_root, job.wanted, total=total, reached=reached):
            return "lacks points of its curves; training again"
        return ""

    def _train(self, seconds: float) -> None:
        """Train for about so many seconds, at least one stretch, not beyond the end."""
        stop_at = time.monotonic() + seconds
        while not self.trainer.done:
            began = time.monotonic()
            done = self.trainer.iteration
            stop = min(at for at in self._grids | self._evaluations.keys() if at > done)
            self.trainer.train(min(stop, done + self._stretch))
            self._use_images()
            now = time.monotonic()
            if now >= stop_at:
                return
            if now - began < _STRETCH_SECONDS:
                self._stretch *= 2
            elif now - began > 2 * _STRETCH_SECONDS:
                self._stretch = max(1, self._stretch // 2)

    @cached_property
    def _grids(self) -> set[int]:
        return set(equal_parts(self.trainer.total_iterations, _SAMPLE_GRIDS))

    @cached_property
    def _evaluations(self) -> dict[int, tuple[str, ...]]:
        total = self.trainer.total_iterations
        stops = self.job.wanted.stops(total)
        for at, names in measured_in_retired(self.folder).items():
            if at < total:
                stops[at] = tuple(dict.fromkeys((*stops.get(at, ()), *names)))
        return stops

    def _use_images(self) -> None:
        trainer, done = self.trainer, self.trainer.iteration
        grid_due = done in self._grids or trainer.ended_early
        if not grid_due and done not in self._evaluations:
            return
        diverged = trainer.diverged_at is not None or not weights_are_finite(trainer.networks)
        if grid_due and not diverged:
            grid = self.folder.path / "samples" / f"{trainer.images_seen:09d}.png"
            save_grid(trainer.sample(_SAMPLES, "fixed"), grid)
        if names := self._evaluations.get(done):
            measure_during(names, job=self.job, trainer=trainer, data=self.data, diverged=diverged)

    def _checkpoint(self) -> Path:
        trainer = self.trainer
        block = block_of(
            trainer.losses,
            first=self._block_from,
            last=trainer.iteration,
            total=trainer.total_iterations,
            seconds=time.monotonic() - self._checkpoint_began,
        )
        path = self.folder.write_checkpoint(
            trainer.iteration, lambda file: save_state(trainer.state(), file), block
        )
        self.folder.update_attempt(self.number, **self._times())
        self._block_from = max(self._block_from, trainer.iteration)
        self._checkpoint_began = time.monotonic()
        return path

    # --- the end ---

    def _finish(self) -> Progress:
        trainer, folder = self.trainer, self.folder
        # After an end that was cut off, the checkpoint is there, and its block has the points.
        blocks = (self._checkpoint(),) if trainer.iteration > self._block_from else ()
        folder.write_losses(trainer.losses)
        save_weights(trainer.networks, folder.weights, self.job.keep)
        outcome = "diverged" if trainer.diverged_at is not None else None
        early = trainer.ended_early and outcome is None
        if outcome is None:
            folder.write_samples(trainer.sample(_SAMPLES, "fixed"))
        animate(folder)
        self._measure(self.job.wanted.measured, diverged=outcome == "diverged")
        folder.update_attempt(self.number, **self._times())
        folder.write_complete(
            {
                "outcome": outcome,
                "iterations": trainer.iteration,
                "planned_iterations": trainer.total_iterations,
                "images_seen": trainer.images_seen,
                "g_updates": trainer.iteration * (self.config.g_steps or 1),
                "d_updates": trainer.iteration * (self.config.d_steps or 0),
                "diverged_at": trainer.diverged_at,
                "ended_early_at": trainer.iteration if early else None,
                "data_fingerprint": self.data.fingerprint,
                "trained_by": self.job.origin,
            }
        )
        return self._progress(blocks=blocks, done=True, outcome=outcome)

    def _add_missing_metrics(self, complete: dict[str, Any]) -> Progress:
        """Measure a complete trial by what its study gained later, without training."""
        names = missing(self.job.trial, self.job.trials_root, self.job.wanted.measured)
        if names:
            check_weights(self.folder, names)
            if self.folder.weights.exists():  # what is left to measure takes losses alone
                load_weights(self.trainer.networks, self.folder.weights)
            self._measure(names, diverged=complete["outcome"] == "diverged")
        self.folder.forget_failure()
        return self._completed(complete)

    def _completed(self, complete: dict[str, Any]) -> Progress:
        return Progress(
            trial_id=self.folder.trial_id,
            iteration=complete["iterations"],
            total=complete["iterations"],
            images_seen=complete["images_seen"],
            done=True,
            outcome=complete["outcome"],
        )

    def _measure(self, names: Sequence[str], *, diverged: bool) -> None:
        measure(names, job=self.job, trainer=self.trainer, data=self.data, diverged=diverged)

    # --- facts ---

    def _progress(self, **changes: Any) -> Progress:
        losses = self.trainer.losses
        return Progress(
            trial_id=self.folder.trial_id,
            iteration=self.trainer.iteration,
            total=self.trainer.total_iterations,
            images_seen=self.trainer.images_seen,
            from_iteration=self._from_iteration,
            losses={key: float(values[-1]) for key, values in losses.items() if len(values)},
            **changes,
        )

    def _facts(self) -> dict[str, Any]:
        return {
            "host": platform.node(),
            "processor": f"{processor_name()}, {torch.backends.cpu.get_cpu_capability()}",
            "pid": os.getpid(),
            "started_ms": now_ms(),
            "device": self.device,
            "precision": self.precision,
            "threads": self.job.threads,
            "data_fingerprint": self.data.fingerprint,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "ganablate": __version__,
        }

    def _times(self) -> dict[str, Any]:
        return {
            "ended_ms": now_ms(),
            "wall_seconds": round(time.monotonic() - self._began, 3),
            "until_iteration": self.trainer.iteration,
        }

    @contextlib.contextmanager
    def _recording_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if is_fault(error):
                failure = failure_of(error, self.job.trials_root)
                with contextlib.suppress(OSError):  # a full disk must not hide the first error
                    self.folder.write_failure(self.number, failure.message, failure.traceback)
            raise
