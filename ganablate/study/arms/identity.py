"""Names a trial by its content, and derives the seed of a replicate.

A trial id is a hash of everything that training depends on and of nothing else. The golden ids in
the tests may change only together with one of the two versions below.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ganablate.catalog import FOLDER_PREFIX, plugin_digests
from ganablate.config import TrialConfig, derive_seed

ID_VERSION = 1
"""Raised when the way of hashing changes."""
SEMANTICS_VERSION = 3
"""Raised when the same settings train to other numbers than before: a fixed bug, a faster layer."""
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def replicate_seed(study_seed: int, replicate: int) -> int:
    """The seed of a replicate, 0 to 2^63 - 1: the same for every arm and every study name."""
    return derive_seed(study_seed, "replicate", replicate)


def null_seed(study_seed: int, replicate: int) -> int:
    """The seed of a replicate of the null arm: never one that `replicate_seed` gives."""
    return derive_seed(study_seed, "null arm", replicate)


def trial_id(config: TrialConfig, data_id: str, semantics: int = SEMANTICS_VERSION) -> str:
    """The trial's name: the first 16 hex digits of the sha256 of its canonical JSON.

    Settings that the trial does not have (None) are left out, so that a setting which is added
    to `TrialConfig` later keeps every old id. Parts from a plug-in bring the digest of their source
    with them; a trial without any has no such entry. `semantics` is the version of the trainer's
    semantics that it was, or would be, trained by.
    """
    content = {**_content(config, data_id), "semantics_version": semantics}
    return _digest(_ENCODER.encode(content))


def former_ids(config: TrialConfig, data_id: str) -> list[str]:
    """The names that the trial had under earlier semantics of the trainer, the latest first."""
    return [trial_id(config, data_id, version) for version in range(SEMANTICS_VERSION - 1, 0, -1)]


class IdText:
    """The text whose hash a trial id is, in pieces: of trials alike, few are written anew."""

    def __init__(self, config: TrialConfig, data_id: str) -> None:
        content = _content(config, data_id)
        settings = content["settings"]
        # Keys are sorted, so the settings are the last.
        self._head = _ENCODER.encode({**content, "settings": {}}).removesuffix("}}")
        names = sorted({*TrialConfig.model_fields, *settings})
        self._pieces = {name: _piece(name, settings.get(name)) for name in names}

    def ids(self, changes: Mapping[str, Any], seeds: Iterable[int]) -> Iterator[str]:
        """The ids of trials with these seeds that differ in these settings, none of them a part."""
        pieces = {**self._pieces, **{n: _piece(n, value) for n, value in changes.items()}}
        pieces["seed"] = _SEED
        text = f"{self._head}{','.join(filter(None, pieces.values()))}}}}}"
        # A quote inside a JSON string is escaped, so this text occurs only at the key itself.
        before, key, after = text.partition(_SEED)
        for seed in seeds:
            yield _digest(f"{before}{key}{seed}{after}")


_SEED = '"seed":'


def _piece(name: str, value: object) -> str:
    """A setting as JSON has it; empty where there is none."""
    if value is None:
        return ""
    text = str(value) if type(value) is int else _ENCODER.encode(value)
    return f'"{name}":{text}'


def search_id(config: TrialConfig, data_id: str, searched: Mapping[str, object]) -> str:
    """The name of an arm's search: a hash of its trials' settings, and of how it searches.

    `searched` says how, as JSON values; its `fields` and the seed of the trials do not count.
    """
    content = _content(config, data_id)
    given = searched.get("fields")
    for name in ("seed", *(given if isinstance(given, list) else ())):
        content["settings"].pop(name, None)
    return _digest(_ENCODER.encode({**content, "search": dict(searched)}))


def dataset_content(dataset: str | None) -> str | None:
    """The dataset as the id has it: a folder's name is its place; `data_id` names the bytes."""
    return FOLDER_PREFIX if dataset is not None and dataset.startswith(FOLDER_PREFIX) else dataset


def plugin_content(settings: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """What a trial with parts from plug-ins has beside its settings: nothing where there is none.

    Setting -> digest of the source of the part that it names.
    """
    digests = plugin_digests(settings)
    return {"plugins": digests} if digests else {}


def _content(config: TrialConfig, data_id: str) -> dict[str, Any]:
    settings = config.model_dump(exclude_none=True)
    settings["dataset"] = dataset_content(config.dataset)
    return {
        "id_version": ID_VERSION,
        "semantics_version": SEMANTICS_VERSION,
        "settings": settings,
        "data_id": data_id,
        **plugin_content(settings),
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
