"""A named extractor without weights: each image's mean over 16 fields, and two classes by it."""

from pathlib import Path

import numpy as np

from ganablate.metrics.features import Features, Images

asked: list[tuple[int, Path | None, str]] = []
"""Images, data root and device of each call."""


def see(images: Images, data_root: Path | None, device: str) -> Features:
    asked.append((len(images), data_root, device))
    rows = images[:, :28, :28].reshape(len(images), 4, 7, 4, 7, -1).mean((2, 4, 5)).reshape(-1, 16)
    bright = rows.mean(1) / 255
    return Features(
        rows.astype(np.float32), np.stack([bright, 1 - bright], axis=1).astype(np.float32)
    )
