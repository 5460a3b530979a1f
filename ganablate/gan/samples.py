"""Grids of generated images."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganablate.files import replacing


def grid(images: np.ndarray, columns: int = 8) -> np.ndarray:
    """Lay images out in rows, left to right.

    Args:
        images: uint8 [n, height, width, channels]
        columns: Images in a row; the last row is filled up with black.

    Returns:
        uint8 [rows * height, columns * width, channels]
    """
    n, height, width, channels = images.shape
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, height, width, channels), dtype=np.uint8)
    cells[:n] = images
    return (
        cells.reshape(rows, columns, height, width, channels)
        .transpose(0, 2, 1, 3, 4)
        .reshape(rows * height, columns * width, channels)
    )


def save_grid(images: np.ndarray, path: Path, columns: int = 8) -> None:
    """Write the grid of `images` as a PNG."""
    pixels = grid(images, columns)
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")
