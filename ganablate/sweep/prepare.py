"""Read every data set before the first trial, so that workers only map it; find extractors."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from ganablate.catalog import DATASETS, PROBES, DataKey, on_images, real_split
from ganablate.gan.data import (
    DataError,
    MaterialisedData,
    downloads_beside,
    known_fingerprints,
    materialise,
)
from ganablate.metrics.features import MetricError
from ganablate.metrics.weight_files import weights_of
from ganablate.study.plan import Plan
from ganablate.trials.needs import data_key, measurements_of, needs_run


def prepare_data(
    plans: Sequence[Plan], data_root: Path | None, runs: Path, again: Collection[str] = ()
) -> tuple[Mapping[DataKey, str], list[str]]:
    """Materialise the data sets of the plans under `runs/data`, and the test splits looked at.

    A data set that cannot be had is a problem only if some trial still needs it, and so are the
    weights of an extractor that a study names. Trials `again` are trained again, complete as they
    are.

    Where all trials of a data set are complete, only what was cached of it is looked at, to see
    whether its bytes are still those; a folder is read nevertheless once its files have changed.

    Returns:
        The fingerprint of each data set that is here, and one line for each problem.

    Raises:
        OSError: A data set cannot be stored under `runs`, for want of room, say.
    """
    trials = [trial for plan in plans for trial in plan.trials]
    keys = dict.fromkeys(map(data_key, trials))
    needed = {data_key(trial) for trial in trials if trial.trial_id in again}
    needed |= _incomplete(plans, runs, {})
    # The bytes behind a name of the catalog do not change; those of a folder do.
    spared = {key for key in keys if key not in needed and key.dataset in DATASETS}
    fingerprints = known_fingerprints(spared, runs / "data")
    needed |= _incomplete(plans, runs, fingerprints)
    problems: list[str] = []

    def read(key: DataKey, split: Literal["train", "test"]) -> MaterialisedData | None:
        try:
            return materialise(
                **key._asdict(), data_root=data_root, cache=runs / "data", split=split
            )
        except DataError as error:
            problems.extend([str(error)] if key in needed else [])
        except OSError as error:
            if error.filename is None:  # of a write into a file that is open
                error.filename = str(runs / "data")
            raise
        return None

    for key in keys:
        data = read(key, "train") if key in needed or key not in spared else None
        if data is not None:
            fingerprints[key] = data.fingerprint
            problems += _faults_of_counts(key.dataset, len(data.images), plans)
    for key in _tested(plans):
        if key in needed:
            read(key, "test")
    problems += _lacking_extractors(plans, data_root or downloads_beside(runs / "data"), runs)
    return fingerprints, list(dict.fromkeys(problems))


def _faults_of_counts(dataset: str, images: int, plans: Sequence[Plan]) -> Iterator[str]:
    """Studies that say another number of images than the folder has: ids would name others."""
    for plan in plans:
        stated = dict(plan.folders).get(dataset, images)
        if stated != images:
            yield (
                f"{dataset} holds {images:,} images, and the study {plan.study} says {stated:,}: "
                "correct `images` there (and `data_id`, if the images were changed)"
            )


def _lacking_extractors(plans: Sequence[Plan], data_root: Path, runs: Path) -> Iterator[str]:
    """A line for each extractor that a study names, some trial needs, and that cannot be had."""
    for name in dict.fromkeys(plan.extractor for plan in plans):
        measuring = [plan for plan in plans if plan.extractor == name]
        if name is not None and _incomplete(measuring, runs, {}):
            try:
                weights_of(name, data_root)
            except MetricError as error:
                yield str(error)


def _tested(plans: Sequence[Plan]) -> dict[DataKey, None]:
    """The data sets whose test split a probe or a metric on images looks at."""
    looking = [
        plan
        for plan in plans
        if on_images(plan.metrics) or any("labels" in PROBES[name].needs for name in plan.probes)
    ]
    keys = (data_key(trial) for plan in looking for trial in plan.trials)
    return {key: None for key in keys if real_split(key.dataset) == "test"}


def _incomplete(
    plans: Sequence[Plan], runs: Path, fingerprints: Mapping[DataKey, str]
) -> set[DataKey]:
    """The data sets of which some trial is not complete, saw other bytes, or lacks something."""
    wanted = measurements_of(plans)
    keys: set[DataKey] = set()
    for trial in (trial for plan in plans for trial in plan.trials):
        key, needs = data_key(trial), wanted[trial.trial_id]
        if key not in keys and needs_run(trial, needs, runs / "trials", fingerprints):
            keys.add(key)
    return keys
