"""Reading our own csv files back: text first, then the types of their writer."""

from collections.abc import Callable, Collection
from pathlib import Path

import pandas as pd


def read_typed(
    path: Path, what: str, needed: Collection[str], typed: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Read a csv file and give its columns their types.

    Only an empty cell is missing: an arm may be called "NA" or "None".

    Args:
        path: The file.
        what: Its rows, for the message: "trials", "curves".
        needed: Columns without which it is no such file.
        typed: Turns text cells into the frame wanted; raises ValueError for one that does not fit.

    Raises:
        ValueError: with the path: a column is missing, or a number is none.
    """
    text = pd.read_csv(path, dtype="string", keep_default_na=False, na_values=[""])
    lacking = [name for name in needed if name not in text]
    if lacking:
        raise ValueError(f"{path}: not a table of {what}, the column {lacking[0]} is missing")
    try:
        return typed(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
