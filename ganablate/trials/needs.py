"""What a trial still needs: its status, and the measurements that are missing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganablate.catalog import (
    METRICS,
    PROBES,
    DataKey,
    is_outdated,
    named_parts,
    on_images,
    own_values,
    stored_name,
)
from ganablate.study.plan import Plan, Trial
from ganablate.trials.folder import RETIRED, State, TrialFolder, equal_parts
from ganablate.trials.weights import networks_in


@dataclass(frozen=True)
class Measurements:
    """What a complete trial should have been measured with, by all plans that hold it.

    `measured` are metrics and probes, as trial folders name them. `curves` has, for each plan that
    measures during training, into how many equal parts it cuts the training and what it measures
    after each.
    """

    measured: tuple[str, ...]
    curves: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def stops(self, total: int) -> dict[int, tuple[str, ...]]:
        """What is measured after which of `total` iterations, without the last one."""
        at: dict[int, dict[str, None]] = {}
        for parts, names in self.curves:
            for iteration in equal_parts(total, parts)[:-1]:
                at.setdefault(iteration, {}).update(dict.fromkeys(names))
        at.pop(total, None)  # the end of a short training's last parts
        return {iteration: tuple(at[iteration]) for iteration in sorted(at)}


def measurements_of(plans: Sequence[Plan]) -> dict[str, Measurements]:
    """The measurements that the plans ask for together, by trial id."""
    names: dict[str, dict[str, None]] = {}
    curves: dict[str, dict[tuple[int, tuple[str, ...]], None]] = {}
    for plan in plans:
        curve = (plan.evaluations, on_images(plan.measured))
        for trial in plan.trials:
            names.setdefault(trial.trial_id, {}).update(dict.fromkeys(plan.measured))
            of_trial = curves.setdefault(trial.trial_id, {})
            if plan.evaluations > 1 and curve[1]:
                of_trial[curve] = None
    return {name: Measurements(tuple(names[name]), tuple(curves[name])) for name in names}


@dataclass(frozen=True)
class TrialStatus:
    """The state of a trial, and what its folder says about it.

    `origin` is the study, budget, arm and replicate that a complete trial was trained for; older
    folders do not say. `failure` is why a failed one failed. `ended_early` is after how many
    iterations a complete one ended, and of how many, if that was before the end.
    """

    state: State
    origin: Mapping[str, Any] | None = None
    failure: str = ""
    ended_early: tuple[int, int] | None = None


def status_of(trial: Trial, root: Path, *, fingerprint: str | None = None) -> TrialStatus:
    """The status of a trial, read from its folder under `root`.

    A complete trial that saw data of another fingerprint is stale; None: do not compare.
    """
    folder = TrialFolder(root, trial.trial_id)
    complete = folder.complete
    if complete is not None:
        seen = complete.get("data_fingerprint")
        stale = fingerprint is not None and seen != fingerprint
        at = complete.get("ended_early_at")
        early = None if at is None else (int(at), int(complete["planned_iterations"]))
        state: State = "stale" if stale else "complete"
        return TrialStatus(state, complete.get("trained_by"), ended_early=early)
    if not folder.path.exists():
        return TrialStatus("pending")
    if folder.is_claimed():
        return TrialStatus("running")
    failure = folder.failure
    if failure is None:
        return TrialStatus("pending")
    return TrialStatus("failed", failure=str(failure.get("message", "no reason is known")))


def state_of(trial: Trial, root: Path, *, fingerprint: str | None = None) -> State:
    """The state of a trial; see `status_of`."""
    return status_of(trial, root, fingerprint=fingerprint).state


def missing(trial: Trial, root: Path, measured: Collection[str]) -> list[str]:
    """The metrics and probes that a complete trial has to be measured with, in the order given.

    It was not, or by an older protocol and has the weights to be measured again. Without them the
    older number stays; a report does not mix it with others.
    """
    folder = TrialFolder(root, trial.trial_id)
    content = folder.metrics()
    lacking = [name for name in measured if name not in content["evaluated"]]
    older = [
        name
        for name in measured
        if name not in lacking and _is_older(trial, name, content["protocols"])
    ]
    again = set(older) - set(not_measurable(folder, older)) if older else set()
    return [name for name in measured if name in lacking or name in again]


def _is_older(trial: Trial, name: str, protocols: Mapping[str, str]) -> bool:
    """Whether a number of a metric or probe was measured by another protocol than today's."""
    part, named = named_parts(name)
    line = METRICS.get(part) or PROBES.get(part)
    stamps = (protocols.get(stored_name(column, named)) for column in line.columns) if line else ()
    return any(stamp and is_outdated(stamp, trial.config.dataset) for stamp in stamps)


class WeightsError(Exception):
    """A complete trial lacks weights that are needed; the message says what to do."""


def check_weights(folder: TrialFolder, names: Sequence[str]) -> None:
    """Check that a complete trial can be measured later by these metrics and probes.

    Raises:
        WeightsError: They need networks that were not kept.
    """
    blocked = not_measurable(folder, names)
    if blocked:
        damaged = folder.weights.exists() and not networks_in(folder.weights)
        why = "are damaged" if damaged else "were not kept (`keep` of a profile, or prune)"
        raise WeightsError(
            f"{', '.join(blocked)} cannot be measured: the weights of trial {folder.trial_id} "
            f"{why}; `ganablate run STUDY --force {folder.trial_id}` trains it again"
        )


def not_measurable(folder: TrialFolder, names: Sequence[str]) -> list[str]:
    """The metrics and probes, of these, that need more weights than a trial has kept.

    Metrics on images need the generator, probes both networks, metrics on losses neither.
    """
    if (folder.complete or {}).get("outcome") == "diverged":
        return []  # only its losses are measured
    on_generator = on_images(names)
    networks = networks_in(folder.weights)
    return [
        name
        for name in names
        if (name in on_generator and "generator" not in networks)
        or (named_parts(name)[0] in PROBES and not {"generator", "discriminator"} <= networks)
    ]


def lacks_evaluations(
    trial: Trial, root: Path, wanted: Measurements, *, total: int, reached: int
) -> bool:
    """Whether a trial went past a point where it should have been measured, and was not.

    A point that was measured by an older protocol, or by a version that did not keep protocols of
    points, is none. Only training it again helps, since its
    weights at that point are gone. `reached` are the iterations done, of `total`: those of a
    complete trial, or of a checkpoint.
    """
    if not wanted.curves:
        return False
    evaluations = TrialFolder(root, trial.trial_id).evaluations()

    def lacks(at: int, names: Collection[str]) -> bool:
        content = evaluations.get(at, {})
        if not set(names) <= set(content.get("evaluated", ())):
            return True
        if content["numbers"] and "protocols" not in content:
            return True
        return any(_is_older(trial, name, content.get("protocols", {})) for name in names)

    return any(lacks(at, names) for at, names in wanted.stops(total).items() if at <= reached)


def measured_in_retired(folder: TrialFolder) -> dict[int, tuple[str, ...]]:
    """What was measured, by iteration, during the retired trainings of a trial.

    A training that lacks points of one study's curve is repeated, and has to get the points of
    other studies again. What only a plug-in that is gone could measure is left out.
    """
    by_iteration: dict[int, dict[str, None]] = {}
    root = folder.path.parent
    for retired in sorted(root.glob(f"{folder.trial_id}{RETIRED}*")):
        for at, content in TrialFolder(root, retired.name).evaluations().items():
            parts = {name: named_parts(name) for name in content.get("evaluated", ())}
            names = [n for n, p in parts.items() if p[0] in METRICS and stored_name(*p) == n]
            by_iteration.setdefault(at, {}).update(dict.fromkeys(names))
    return {at: tuple(names) for at, names in by_iteration.items()}


def data_key(trial: Trial) -> DataKey:
    """The images that a trial sees."""
    config = trial.config
    own = tuple(own_values("dataset", config).items())
    return DataKey(config.dataset, config.image_size, config.channels, config.crop, own)


def needs_run(
    trial: Trial, wanted: Measurements, root: Path, fingerprints: Mapping[DataKey, str]
) -> bool:
    """Whether a trial is not complete, saw other data, or lacks measurements."""
    state = state_of(trial, root, fingerprint=fingerprints.get(data_key(trial)))
    if state != "complete" or missing(trial, root, wanted.measured):
        return True
    facts = TrialFolder(root, trial.trial_id).complete or {}
    reached = facts.get("iterations", 0)
    total = facts.get("planned_iterations", reached)
    return lacks_evaluations(trial, root, wanted, total=total, reached=reached)
