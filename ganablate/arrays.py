"""Files of arrays, replaced in one step. A damaged one counts as absent, and is told."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganablate.atomic_write import replacing, tell_unreadable

if TYPE_CHECKING:
    import numpy as np

# numpy is imported where arrays are read or written: `validate` and `--help` do neither.

_DAMAGED = (ValueError, EOFError, zipfile.BadZipFile)
"""What numpy raises for a file that is cut short."""


def write_array(path: Path, array: "np.ndarray") -> None:
    """Replace the file (.npy) by this array."""
    import numpy as np

    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)


def read_array(path: Path) -> "np.ndarray | None":
    """The array in a file (.npy); None without one."""
    import numpy as np

    try:
        stored: np.ndarray = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except _DAMAGED as error:
        tell_unreadable(path, str(error))
        return None
    return stored


def write_arrays(path: Path, arrays: "Mapping[str, np.ndarray]") -> None:
    """Replace the file (.npz) by these arrays, compressed."""
    import numpy as np

    named: dict[str, Any] = dict(arrays)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **named)


def read_arrays(path: Path) -> "dict[str, np.ndarray]":
    """The arrays in a file (.npz) by name; none without one."""
    import numpy as np

    try:
        # Opened here: numpy leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except FileNotFoundError:
        return {}
    except _DAMAGED as error:
        tell_unreadable(path, str(error))
        return {}
