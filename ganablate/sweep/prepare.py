"""Read every data set before the first trial, so that workers only map it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ganablate.gan.data import DataError, materialise
from ganablate.ledger import DataKey, data_key, has_work
from ganablate.study.plan import Plan


def prepare_data(
    plans: Sequence[Plan], data_root: Path | None, runs: Path
) -> tuple[Mapping[DataKey, str], list[str]]:
    """Materialise the data sets of the plans under `runs/data`.

    A data set that cannot be had is a problem only if some trial still needs it.

    Returns:
        The fingerprint of each data set that is here, and one line for each problem.
    """
    fingerprints: dict[DataKey, str] = {}
    problems: list[str] = []
    for key in dict.fromkeys(data_key(trial) for plan in plans for trial in plan.trials):
        dataset, size, channels, crop = key
        try:
            data = materialise(
                dataset,
                size,
                data_root=data_root,
                cache=runs / "data",
                channels=channels,
                crop=crop,
            )
        except DataError as error:
            if _needed(key, plans, runs):
                problems.append(str(error))
        else:
            fingerprints[key] = data.fingerprint
    return fingerprints, list(dict.fromkeys(problems))


def _needed(key: DataKey, plans: Sequence[Plan], runs: Path) -> bool:
    return any(
        has_work(trial, plan.metrics, runs / "trials", {})
        for plan in plans
        for trial in plan.trials
        if data_key(trial) == key
    )
