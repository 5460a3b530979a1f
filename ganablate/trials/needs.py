"""What there is still to do for a trial: its state, and what it lacks of what is wanted of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganablate.catalog import METRICS, PROBES, named_parts, on_images, stored_name
from ganablate.study.plan import Plan, Trial
from ganablate.trials.folder import RETIRED, State, TrialFolder
from ganablate.trials.weights import networks_in

DataKey = tuple[str, int, int | None, int | None]
"""Data set, image size, channels, crop: what decides which images a trial sees."""


@dataclass(frozen=True)
class Wanted:
    """What a complete trial is to have been measured with, by all plans that hold it.

    `measured` are metrics and probes, as trial folders name them. `curves` has, for each plan that
    measures during training, into how many equal parts it cuts the training and what it measures
    after each.
    """

    measured: tuple[str, ...]
    curves: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def stops(self, total: int) -> dict[int, tuple[str, ...]]:
        """What is measured after which iterations, the last one left out.

        Args:
            total: Iterations of the whole training.
        """
        found: dict[int, dict[str, None]] = {}
        for parts, names in self.curves:
            for part in range(1, parts):
                found.setdefault(-(-total * part // parts), {}).update(dict.fromkeys(names))
        found.pop(total, None)
        return {at: tuple(found[at]) for at in sorted(found)}


def wanted_of(plans: Sequence[Plan]) -> dict[str, Wanted]:
    """What the plans want of each trial id together."""
    names: dict[str, dict[str, None]] = {}
    curves: dict[str, dict[tuple[int, tuple[str, ...]], None]] = {}
    for plan in plans:
        curve = (plan.evaluations, on_images(plan.measured))
        for trial in plan.trials:
            names.setdefault(trial.trial_id, {}).update(dict.fromkeys(plan.measured))
            own = curves.setdefault(trial.trial_id, {})
            if plan.evaluations > 1 and curve[1]:
                own[curve] = None
    return {name: Wanted(tuple(names[name]), tuple(curves[name])) for name in names}


@dataclass(frozen=True)
class Standing:
    """Where a trial stands: its state, and what its folder says of how it came to it.

    `origin` is the study, budget, arm and replicate that it was trained for, once it is complete;
    folders of before that was kept have none. `ended_early` says where a complete trial ended, of
    how many iterations, if it was before its whole length. `failure` is why a failed trial failed.
    """

    state: State
    origin: Mapping[str, Any] | None = None
    failure: str = ""
    ended_early: tuple[int, int] | None = None


def standing_of(trial: Trial, root: Path, *, fingerprint: str | None = None) -> Standing:
    """Where a trial stands, read from its folder.

    Args:
        trial: The trial.
        root: The folder of trial folders.
        fingerprint: Of the data as it is now; a trial that saw other bytes is stale. None: do
            not compare.
    """
    folder = TrialFolder(root, trial.trial_id)
    complete = folder.complete
    if complete is not None:
        seen = complete.get("data_fingerprint")
        stale = fingerprint is not None and seen != fingerprint
        at = complete.get("ended_early_at")
        early = None if at is None else (int(at), int(complete["planned_iterations"]))
        state: State = "stale" if stale else "complete"
        return Standing(state, complete.get("trained_by"), ended_early=early)
    if not folder.path.exists():
        return Standing("pending")
    if folder.is_claimed():
        return Standing("running")
    failure = folder.failure
    if failure is None:
        return Standing("pending")
    return Standing("failed", failure=str(failure.get("message", "no reason is known")))


def state_of(trial: Trial, root: Path, *, fingerprint: str | None = None) -> State:
    """The state of a trial; see `standing_of`."""
    return standing_of(trial, root, fingerprint=fingerprint).state


def lacks(trial: Trial, root: Path, measured: Collection[str]) -> list[str]:
    """The metrics and probes that a complete trial was not measured with, in the order given."""
    evaluated = TrialFolder(root, trial.trial_id).metrics()["evaluated"]
    return [name for name in measured if name not in evaluated]


class WeightsError(Exception):
    """A complete trial lacks the weights that something takes; the message says what to do."""


def check_weights(folder: TrialFolder, names: Sequence[str]) -> None:
    """See that a complete trial can be measured later by these metrics and probes.

    Raises:
        WeightsError: It would take networks that were not kept.
    """
    blocked = beyond_weights(folder, names)
    if blocked:
        why = (
            "are damaged"
            if folder.weights.exists() and not networks_in(folder.weights)
            else ("were not kept (`keep` of a profile, or prune)")
        )
        raise WeightsError(
            f"{', '.join(blocked)} cannot be measured: the weights of trial {folder.trial_id} "
            f"{why}; `ganablate run STUDY --force {folder.trial_id}` trains it again"
        )


def beyond_weights(folder: TrialFolder, names: Sequence[str]) -> list[str]:
    """Of these metrics and probes, those that take more than the weights kept of a trial.

    Metrics on images take the generator, probes both networks, metrics on losses neither.
    """
    if (folder.complete or {}).get("outcome") == "diverged":
        return []  # nothing of it is measured but its losses
    on_generator = on_images(names)
    there = networks_in(folder.weights)
    return [
        name
        for name in names
        if (name in on_generator and "generator" not in there)
        or (named_parts(name)[0] in PROBES and not {"generator", "discriminator"} <= there)
    ]


def lacks_evaluations(folder: TrialFolder, wanted: Wanted, total: int, reached: int) -> bool:
    """Whether a trial went past a point where it should have been measured, and was not.

    That cannot be made up for without training it again: its weights of then are gone.

    Args:
        folder: The trial's.
        wanted: What is wanted of it.
        total: Iterations of the whole training.
        reached: Iterations that are done: those of a complete trial, or of a checkpoint.
    """
    if not wanted.curves:
        return False
    found = folder.evaluations()
    return any(
        not set(names) <= set(found.get(at, {}).get("evaluated", ()))
        for at, names in wanted.stops(total).items()
        if at <= reached
    )


def measured_before(folder: TrialFolder) -> dict[int, tuple[str, ...]]:
    """What was measured during the trainings of a trial that were put aside, by iteration.

    A training that lacks points of one study's curve is done again, and has to have those of other
    studies again. What only the source of a former plug-in could measure is left out.
    """
    found: dict[int, dict[str, None]] = {}
    root = folder.path.parent
    for aside in sorted(root.glob(f"{folder.trial_id}{RETIRED}*")):
        for at, content in TrialFolder(root, aside.name).evaluations().items():
            parts = {name: named_parts(name) for name in content.get("evaluated", ())}
            names = [n for n, p in parts.items() if p[0] in METRICS and stored_name(*p) == n]
            found.setdefault(at, {}).update(dict.fromkeys(names))
    return {at: tuple(names) for at, names in found.items()}


def data_key(trial: Trial) -> DataKey:
    """The images that a trial sees."""
    config = trial.config
    return config.dataset, config.image_size, config.channels, config.crop


def has_work(trial: Trial, wanted: Wanted, root: Path, fingerprints: Mapping[DataKey, str]) -> bool:
    """Whether it is not complete, saw other data, or lacks something that is wanted of it."""
    state = state_of(trial, root, fingerprint=fingerprints.get(data_key(trial)))
    if state != "complete" or lacks(trial, root, wanted.measured):
        return True
    folder = TrialFolder(root, trial.trial_id)
    facts = folder.complete or {}
    reached = facts.get("iterations", 0)
    return lacks_evaluations(folder, wanted, facts.get("planned_iterations", reached), reached)
