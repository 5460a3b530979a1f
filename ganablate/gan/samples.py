"""Grids of generated images."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganablate.files import replacing
from ganablate.metrics.probes.pictures import tiled


def save_grid(images: np.ndarray, path: Path, columns: int = 8) -> None:
    """Write images as one PNG, in rows from left to right.

    Args:
        images: uint8 [n, height, width, channels].
        path: of the file.
        columns: images in a row; the last row is filled up with black.
    """
    rows = -(-len(images) // columns)
    cells = np.zeros((rows * columns, *images.shape[1:]), dtype=np.uint8)
    cells[: len(images)] = images
    pixels = tiled(cells.reshape(rows, columns, *images.shape[1:]), gap=0)
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")
