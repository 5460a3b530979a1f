"""How long trials that are still to be trained will take, and in which order they run.

Complete trials of the same kind of work say what a trial costs, else a rehearsal does: a few
seconds of training and one measuring, in this process, alone, with the threads of one trial. At
its top nothing here imports torch or ray.
"""

import contextlib
import functools
import hashlib
import heapq
import itertools
import json
import math
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ganablate.config import MOST_ITERATIONS
from ganablate.files import read_json, write_json
from ganablate.study.arms.identity import SEMANTICS_VERSION, plugin_content
from ganablate.study.plan import Plan, Trial
from ganablate.sweep.job import Job
from ganablate.sweep.machine import Device, processor_name, resolve_precision, slots_of
from ganablate.sweep.profile import Profile
from ganablate.trials.folder import TrialFolder, one_line
from ganablate.trials.needs import Measurements, measurements_of
from ganablate.version import __version__

START_SECONDS = 14.0
"""From the start of a sweep to its first training step: Ray, and torch in each worker; measured."""
BETWEEN_SECONDS = 0.3
"""From the end of a trial to the first step of the next one of that worker; measured."""
_RANGE = {"low": 0.75, "likely": 1.0, "high": 1.25}
"""Times the likely time: so far off is one replicate for the others."""
_ENOUGH = 12
"""Complete trials looked at for one kind of work: more would not make the figure better."""
_ALIKE = 1.2
"""Trials whose costs differ by less than this factor run in plan order."""
_NUMBERS = frozenset(
    {"seed", "init", "real_labels", "fake_labels", "penalty_weight", "second_penalty_weight"}
) | {
    f"{net}_{name}"
    for net in ("g", "d")
    for name in ("lr", "beta1", "beta2", "alpha", "rho", "weight_decay")
}
"""Settings that change numbers and not the work that is done with them."""
_LENGTHS = frozenset({"epochs", "iterations", "train_images"})
_REHEARSAL_SECONDS = 3.0
"""Of training that is timed, at least, after half as many that are not."""
_SAFE_RATE = 1e-9
"""Learning rate of the training that is timed: it costs what any does, and does not diverge."""
_REHEARSAL_ITERATIONS = 2
"""Iterations of the trial that is opened, measured and stored to see what that takes."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one kind of work: of an iteration, and of opening, measuring and storing.

    From complete trials it is the iteration alone, which then includes all of it.
    """

    iteration: float
    around: float = 0.0
    rehearsed: bool = True


@dataclass(frozen=True)
class ArmCost:
    """What a trial of an arm costs; `trial` is the first of those still to be trained."""

    trial: Trial
    wanted: Measurements
    work: str
    iterations: int
    cost: Cost | None

    def left(self, reached: int = 0) -> float:
        """Seconds that a trial still takes of which so many iterations are done.

        Each measuring during the training counts as much as the one at the end with all around it.
        """
        assert self.cost is not None
        measurings = 1 + sum(at > reached for at in self.wanted.stops(self.iterations))
        return (self.iterations - reached) * self.cost.iteration + measurings * self.cost.around


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What the trials still to be trained will take, in seconds: low, likely and high.

    Attributes:
        wall: From the start of the sweep to the end of its last trial, with `slots` at a time.
        working: Of all `trials` together.
        each: Arm -> likely seconds of one of its trials that starts from nothing.
        of_trials: Arms known from complete trials; the others are from rehearsals.
        unknown: Arms with trials still to be trained that nothing is known of; they are not in it.
    """

    wall: Mapping[str, float]
    working: Mapping[str, float]
    slots: int
    trials: int
    each: Mapping[str, float]
    of_trials: Sequence[str]
    unknown: Sequence[str]


class Costs:
    """What trials cost on this machine under a profile, as far as the folder `runs` tells it.

    Attributes:
        device: Where trials compute unless they name a device.
        gpus: How many GPUs they may use; torch may see fewer.
    """

    def __init__(self, runs: Path, profile: Profile) -> None:
        self.runs = runs
        self.profile = profile
        self.gpus = visible_gpus() if profile.device != "cpu" else 0
        self.device: Device = "cuda" if self.gpus else "cpu"

    def know_nothing(self, plan: Plan, waiting: Collection[str]) -> bool:
        """Whether there is neither a complete trial of a plan nor any rehearsal: seen at once."""
        return len(waiting) >= len({trial.trial_id for trial in plan.trials}) and not any(
            (self.runs / "costs").glob("*.json")
        )

    def rehearsed(self, work: str) -> Cost | None:
        """What a rehearsal of this work gave; None where there was none, or its file is damaged."""
        try:
            return Cost(**read_json(self._path(work)) or {})
        except TypeError:
            return None

    def keep(self, work: str, cost: Cost) -> None:
        """Keep what a rehearsal gave, for this machine, profile and version."""
        write_json(self._path(work), asdict(cost))

    def _path(self, work: str) -> Path:
        machine = [platform.node(), processor_name(), self.gpus]
        profile = [self.profile.precision, self.profile.threads]
        conditions = [machine, *profile, __version__, SEMANTICS_VERSION]
        return self.runs / "costs" / f"{_digest([work, conditions])}.json"

    def of_trials(self, trials: Iterable[Trial]) -> Cost | None:
        """The median of complete trials of the same work and length that ran like this."""
        times = filter(None, map(self._time, trials))
        complete = list(itertools.islice(times, _ENOUGH))
        if not complete:
            return None
        seconds, iterations = (statistics.median(column) for column in zip(*complete, strict=True))
        return Cost(iteration=seconds / iterations, rehearsed=False)

    def _time(self, trial: Trial) -> tuple[float, int] | None:
        """Seconds of a complete trial that ran like this, and the iterations it was to have."""
        folder = TrialFolder(self.runs / "trials", trial.trial_id)
        facts, attempts = folder.complete or {}, folder.attempts()
        device = trial.config.device or self.device
        precision: str | None = trial.config.precision or self.profile.precision
        if precision == "auto":  # on CUDA torch alone could tell which that is
            precision = resolve_precision("auto", "cpu") if device == "cpu" else None
        expected = {
            "host": platform.node(), "threads": self.profile.threads, "device": device,
            "ganablate": __version__, **({"precision": precision} if precision else {}),
        }  # fmt: skip
        if not all(expected.items() <= attempt.items() for attempt in attempts):
            return None
        seconds = sum(float(attempt.get("wall_seconds", 0.0)) for attempt in attempts)
        iterations = int(facts.get("planned_iterations", facts.get("iterations", 0)))
        return (seconds, iterations) if seconds > 0 and facts.get("iterations") else None


def visible_gpus() -> int:
    """NVIDIA GPUs that CUDA_VISIBLE_DEVICES leaves, asked of the driver's files, without torch."""
    installed = len(list(Path("/proc/driver/nvidia/gpus").glob("*/information")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return installed
    named = itertools.takewhile(lambda gpu: gpu and not gpu.startswith("-"), visible.split(","))
    return min(installed, len(list(named)))  # CUDA stops at the first that it does not know


def work_of(trial: Trial, wanted: Measurements) -> str:
    """Names the work of a trial: trials that differ in length or in numbers alone have the same."""
    settings = trial.config.model_dump(exclude_none=True)
    settings = {k: v for k, v in settings.items() if k not in _NUMBERS | _LENGTHS}
    curves = sorted({name for _, names in wanted.curves for name in names})
    content = [settings, trial.data_id, sorted(wanted.measured), curves, plugin_content(settings)]
    return _digest(content)


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def arm_costs(plan: Plan, waiting: Collection[str], costs: Costs) -> dict[str, ArmCost]:
    """What is known of each arm that has trials still to be trained, in plan order.

    The plan may be a part of one; `waiting` has the ids of its trials that are not complete.
    """
    wanted = measurements_of([plan])
    trials: dict[str, list[Trial]] = {}
    for trial in plan.trials:
        trials.setdefault(trial.arm, []).append(trial)
    kinds: dict[str, tuple[str, int]] = {}
    complete: dict[tuple[str, int], list[Trial]] = {}
    for arm in plan.arms:
        if arm.name in trials:
            first = trials[arm.name][0]
            images = max(plan.images_of(arm.config.dataset), arm.config.batch_size)
            kind = work_of(first, wanted[first.trial_id]), arm.config.total_iterations(images)
            kinds[arm.name] = kind
            done = (trial for trial in trials[arm.name] if trial.trial_id not in waiting)
            complete.setdefault(kind, []).extend(done)

    @functools.cache
    def cost_of(work: str, iterations: int) -> Cost | None:
        return costs.of_trials(complete[work, iterations]) or costs.rehearsed(work)

    arms = {}
    for name, kind in kinds.items():
        first_left = next((trial for trial in trials[name] if trial.trial_id in waiting), None)
        if first_left is not None:
            arms[name] = ArmCost(first_left, wanted[first_left.trial_id], *kind, cost_of(*kind))
    return arms


def seconds_left(
    plan: Plan, waiting: Collection[str], arms: Mapping[str, ArmCost], trials_root: Path
) -> dict[str, float]:
    """Trial id -> seconds that it will still take, of those of which the cost is known.

    What was trained of a trial up to its newest checkpoint is taken off.
    """
    begun = {path.name for path in trials_root.iterdir()} if trials_root.is_dir() else set()
    whole = {name: arm.left() for name, arm in arms.items() if arm.cost is not None}
    seconds = {}
    for trial in plan.trials:
        if trial.trial_id in waiting and trial.arm in whole:
            seconds[trial.trial_id] = whole[trial.arm]
            if trial.trial_id in begun:
                arm = arms[trial.arm]
                reached = TrialFolder(trials_root, trial.trial_id).reached
                seconds[trial.trial_id] = arm.left(min(reached, arm.iterations))
    return seconds


def estimate(
    plan: Plan, waiting: Collection[str], arms: Mapping[str, ArmCost], costs: Costs
) -> Estimate | None:
    """What the trials of a plan that wait will take; None where nothing is known of any."""
    seconds = seconds_left(plan, waiting, arms, costs.runs / "trials")
    if not seconds:
        return None
    slots = slots_of(costs.profile, gpus=costs.gpus, trials=len(plan.trials))
    free = [START_SECONDS] * slots  # when each slot is
    for trial_id in in_running_order(_replicates([plan], seconds), seconds):
        heapq.heapreplace(free, free[0] + seconds[trial_id] + BETWEEN_SECONDS)
    priced = {name: arm.cost for name, arm in arms.items() if arm.cost is not None}
    return Estimate(
        wall={end: factor * max(free) for end, factor in _RANGE.items()},
        working={end: factor * sum(seconds.values()) for end, factor in _RANGE.items()},
        slots=min(slots, len(seconds)),
        trials=len(seconds),
        each={name: arms[name].left() for name in priced},
        of_trials=sorted(name for name, cost in priced.items() if not cost.rehearsed),
        unknown=[name for name in arms if name not in priced],
    )


def running_order(
    plans: Sequence[Plan], pending: Sequence[str], profile: Profile, runs: Path
) -> list[int]:
    """The places of the trials `pending`, ids in plan order, as `in_running_order` has them."""
    places = {trial_id: place for place, trial_id in enumerate(pending)}
    costs = Costs(runs, profile)
    seconds: dict[str, float] = {}
    for plan in plans:
        waiting = [trial.trial_id for trial in plan.trials if trial.trial_id in places]
        if waiting and not costs.know_nothing(plan, waiting):
            arms = arm_costs(plan, places.keys(), costs)
            seconds |= seconds_left(plan, places.keys(), arms, runs / "trials")
    order = in_running_order(_replicates(plans, places.keys()), seconds)
    return [places[trial_id] for trial_id in order]


def _replicates(plans: Iterable[Plan], ids: Collection[str]) -> dict[str, int]:
    """Each of these trials, in plan order -> the first replicate that it is in some plan."""
    replicates: dict[str, int] = {}
    for trial in (trial for plan in plans for trial in plan.trials if trial.trial_id in ids):
        first = replicates.get(trial.trial_id, trial.replicate)
        replicates[trial.trial_id] = min(first, trial.replicate)
    return replicates


def in_running_order(replicates: Mapping[str, int], seconds: Mapping[str, float]) -> list[str]:
    """The order in which trials run, ids by their replicates: every arm once before any arm twice.

    So a sweep that is cut short has as many replicates of every arm. Within a replicate those of
    unknown cost come first, then the longest: none that is long begins last, beside slots that have
    nothing to do. Trials that differ by less than `_ALIKE` keep their order.
    """
    longest = max(seconds.values(), default=0.0)

    def rank(trial_id: str) -> tuple[int, int]:
        cost = seconds.get(trial_id, 0.0)
        shorter = -1 if cost <= 0 else int(math.log(longest / cost) / math.log(_ALIKE))
        return replicates[trial_id], shorter

    return sorted(replicates, key=rank)


def rehearse_all(arms: Mapping[str, ArmCost], costs: Costs, warn: Callable[[str], None]) -> None:
    """Rehearse each kind of work of unknown cost once, and keep what it costs.

    One that cannot be rehearsed, as its trials will not train either, is a warning.
    """
    unknown: dict[str, tuple[str, ArmCost]] = {}
    for name, arm in arms.items():
        if arm.cost is None:
            unknown.setdefault(arm.work, (name, arm))
    for work, (name, arm) in unknown.items():
        try:
            costs.keep(work, _rehearse(arm, costs))
        except (Exception, SystemExit) as error:
            warn(f"{name} cannot be rehearsed: {one_line(error)}")


def _rehearse(arm: ArmCost, costs: Costs) -> Cost:
    """Time a very short trial, which is measured as any, and the iterations of a long one."""
    profile, few = costs.profile, _REHEARSAL_ITERATIONS
    config = arm.trial.config.model_copy(update={"epochs": None, "iterations": few})
    with tempfile.TemporaryDirectory(prefix="ganablate-rehearsal-") as folder:
        job = Job(
            trial=replace(arm.trial, config=config),
            wanted=Measurements(arm.wanted.measured),
            trials_root=Path(folder) / "warm",
            cache=costs.runs.resolve() / "data",
            data_root=profile.data_root.resolve() if profile.data_root else None,
            device=costs.device,
            precision=resolve_precision(profile.precision, costs.device),
            threads=profile.threads,
            checkpoint_seconds=1e9,
        )
        _run(job)  # imports, and features of real images, come once
        began = time.perf_counter()
        _run(replace(job, trials_root=Path(folder) / "timed"))
        around = time.perf_counter() - began
        iteration = _seconds_of_iteration(job)
    return Cost(iteration=iteration, around=max(around - few * iteration, 0.0))


def _run(job: Job) -> None:
    from ganablate.sweep.attempt import start

    with contextlib.closing(start(job)) as attempt:
        while not attempt.advance().done:
            pass


def _seconds_of_iteration(job: Job) -> float:
    """Seconds of one iteration of a training that is under way."""
    from ganablate.gan.training import training_of
    from ganablate.sweep.measure import data_of

    config = job.trial.config
    rates = {name: _SAFE_RATE for name in ("g_lr", "d_lr") if getattr(config, name) is not None}
    endless = config.model_copy(update={"iterations": MOST_ITERATIONS, "early_end": None, **rates})
    device, precision = config.device or job.device, config.precision or job.precision
    trainer = training_of(endless, data_of(job).images, device=device, precision=precision)
    count, seconds = 1, 0.0
    while seconds < _REHEARSAL_SECONDS:
        began = time.perf_counter()
        trainer.train(trainer.iteration + count)
        seconds = time.perf_counter() - began
        if trainer.done:
            raise RuntimeError(f"it diverges within {trainer.iteration} iterations")
        count *= 2
    return 2 * seconds / count
