"""Pictures put together from images: rows and columns on white."""

from collections.abc import Sequence

import numpy as np

from ganablate.metrics.features import Floats, Images

GAP = 2
"""White pixels between two images."""


def tiled(cells: Images, gap: int = GAP) -> Images:
    """Lay images out: uint8 [rows, columns, h, w, c] to [height, width, c]."""
    rows, columns, height, width, channels = cells.shape
    padded = np.full((rows, columns, height + gap, width + gap, channels), 255, dtype=np.uint8)
    padded[:, :, :height, :width] = cells
    flat = padded.transpose(0, 2, 1, 3, 4).reshape(rows * (height + gap), -1, channels)
    return flat[: len(flat) - gap, : flat.shape[1] - gap]


def beside(parts: Sequence[Images]) -> Images:
    """Pictures of one height side by side, grey ones in colour where another is."""
    channels = max(part.shape[2] for part in parts)
    gap = np.full((len(parts[0]), 4 * GAP, channels), 255, dtype=np.uint8)
    spaced: list[Images] = []
    for part in parts:
        spaced += [np.repeat(part, channels // part.shape[2], axis=2), gap]
    return np.concatenate(spaced[:-1], axis=1)


def as_grey(maps: Floats, size: int) -> Images:
    """Feature maps as grey images, each from its own lowest (black) to its highest value (white).

    Args:
        maps: [..., h, w]; one without any contrast becomes black.
        size: height and width wanted; each value becomes a block of equal pixels, or nearly.

    Returns:
        uint8 [..., size, size, 1]
    """
    low = maps.min(axis=(-2, -1), keepdims=True)
    span = maps.max(axis=(-2, -1), keepdims=True) - low
    grey = ((maps - low) / np.where(span > 0, span, 1) * 255).round().astype(np.uint8)
    rows = np.arange(size) * maps.shape[-2] // size
    columns = np.arange(size) * maps.shape[-1] // size
    large: Images = grey[..., rows, :][..., columns][..., np.newaxis]
    return large
