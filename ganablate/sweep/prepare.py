"""Read every data set before the first trial, so that workers only map it; find extractors."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from ganablate.catalog import DATASETS, PROBES
from ganablate.gan.data import DataError, MaterialisedData, downloads_beside, materialise
from ganablate.metrics.errors import MetricError
from ganablate.metrics.named_weights import weights_of
from ganablate.study.plan import Plan
from ganablate.work import DataKey, data_key, has_work, wanted_of


def prepare_data(
    plans: Sequence[Plan], data_root: Path | None, runs: Path
) -> tuple[Mapping[DataKey, str], list[str]]:
    """Materialise the data sets of the plans under `runs/data`, and the test splits of probes.

    A data set that cannot be had is a problem only if some trial still needs it, and so are the
    weights of an extractor that a study names.

    Returns:
        The fingerprint of each data set that is here, and one line for each problem.
    """
    fingerprints: dict[DataKey, str] = {}
    problems: list[str] = []

    def read(key: DataKey, split: Literal["train", "test"]) -> MaterialisedData | None:
        dataset, size, channels, crop = key
        cache = runs / "data"
        try:
            return materialise(
                dataset, size, data_root=data_root, cache=cache, channels=channels, crop=crop,
                split=split,
            )  # fmt: skip
        except DataError as error:
            if _needed(key, plans, runs):
                problems.append(str(error))
            return None

    for key in dict.fromkeys(data_key(trial) for plan in plans for trial in plan.trials):
        data = read(key, "train")
        if data is not None:
            fingerprints[key] = data.fingerprint
            problems += _other_counts(key[0], len(data.images), plans)
    for key in _tested(plans):
        read(key, "test")
    problems += _lacking_extractors(plans, data_root or downloads_beside(runs / "data"), runs)
    return fingerprints, list(dict.fromkeys(problems))


def _other_counts(dataset: str, found: int, plans: Sequence[Plan]) -> Iterator[str]:
    """Studies that say another number of images than the folder has: ids would name others."""
    for plan in plans:
        said = dict(plan.folders).get(dataset, found)
        if said != found:
            yield (
                f"{dataset} holds {found:,} images, and the study {plan.study} says {said:,}: "
                "correct `images` there (and `data_id`, if the images were changed)"
            )


def _lacking_extractors(plans: Sequence[Plan], data_root: Path, runs: Path) -> Iterator[str]:
    """A line for each extractor that a study names, some trial needs, and that cannot be had."""
    named = dict.fromkeys(plan.extractor for plan in plans if plan.extractor is not None)
    for name in named:
        measuring = [plan for plan in plans if plan.extractor == name]
        keys = dict.fromkeys(data_key(trial) for plan in measuring for trial in plan.trials)
        if any(_needed(key, measuring, runs) for key in keys):
            try:
                weights_of(name, data_root)
            except MetricError as error:
                yield str(error)


def _tested(plans: Sequence[Plan]) -> dict[DataKey, None]:
    """The data sets whose test split a probe looks at."""
    probed = [plan for plan in plans if any("labels" in PROBES[name].needs for name in plan.probes)]
    keys = (data_key(trial) for plan in probed for trial in plan.trials)
    return {key: None for key in keys if key[0] in DATASETS and DATASETS[key[0]].test is not None}


def _needed(key: DataKey, plans: Sequence[Plan], runs: Path) -> bool:
    wanted = wanted_of(plans)
    return any(
        has_work(trial, wanted[trial.trial_id], runs / "trials", {})
        for plan in plans
        for trial in plan.trials
        if data_key(trial) == key
    )
