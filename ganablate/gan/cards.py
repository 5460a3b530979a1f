"""The folders of the cache of data sets: their names, and their cards, which need no reading."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from ganablate.catalog import DATASETS, channels_of
from ganablate.files import read_json
from ganablate.gan.pictures import Form

Split = Literal["train", "test"]
Key = tuple[str, int, int | None, int | None]
"""Data set, image size, channels, crop."""


def known_fingerprints(keys: Iterable[Key], cache: Path) -> dict[Key, str]:
    """The fingerprints of those data sets that were read before, as they were then.

    A folder that was changed since is noticed when it is read again.
    """
    fingerprints = {}
    for key in keys:
        dataset, size, channels, crop = key
        form = Form(size, channels_of(dataset, channels), crop)
        card = read_json(cache / folder_name(dataset, form) / "card.json") or {}
        if isinstance(card.get("fingerprint"), str):
            fingerprints[key] = card["fingerprint"]
    return fingerprints


def folder_name(dataset: str, form: Form, split: Split = "train") -> str:
    """The name of a cached folder; read from its end, no two sets share one."""
    grey = "-grey" if dataset not in DATASETS and form.channels == 1 else ""
    crop = f"-crop{form.crop}" if form.crop is not None else ""
    test = "-test" if split == "test" else ""
    return f"{quote(dataset, safe='')}-{form.size}{grey}{crop}{test}"
