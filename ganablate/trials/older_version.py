"""Trials that an earlier version of the training made of the same settings: told, never used."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganablate.files import read_json
from ganablate.study.arms.identity import ID_VERSION, SEMANTICS_VERSION
from ganablate.study.plan import Trial

_Index = dict[tuple[str, ...], dict[tuple[Any, ...], str]]
"""Names of settings -> their values and the data id -> the trial's id."""


def trained_earlier(
    trials: Iterable[Trial], trials_root: Path, others: Iterable[str]
) -> Mapping[str, str]:
    """Maps trials to the complete one of an earlier version that has the same settings and data.

    Settings that were not there yet in that version are not compared.

    Args:
        trials: Those that wait to be trained.
        trials_root: Holds one folder a trial.
        others: Names of the folders to look at.
    """
    index: _Index = {}
    for name in others:
        known = read_json(trials_root / name / "trial.json") or {}
        version = known.get("id_version"), known.get("semantics_version")
        settings = known.get("settings")
        if not isinstance(settings, dict) or not _is_earlier(*version):
            continue
        if (trials_root / name / "complete.json").exists():
            keys = tuple(sorted(settings))
            values = (*(str(settings[key]) for key in keys), str(known.get("data_id")))
            index.setdefault(keys, {})[values] = name
    found = {}
    for trial in trials if index else ():
        own = trial.config.model_dump(exclude_none=True)
        for keys, by_values in index.items():
            values = (*(str(own.get(key)) for key in keys), trial.data_id)
            if values in by_values:
                found[trial.trial_id] = by_values[values]
    return found


def _is_earlier(id_version: object, semantics_version: object) -> bool:
    if not isinstance(id_version, int) or not isinstance(semantics_version, int):
        return False
    return (id_version, semantics_version) < (ID_VERSION, SEMANTICS_VERSION)
