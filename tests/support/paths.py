"""Where the repository is."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

DATA_ROOT = Path(os.environ.get("GANABLATE_DATA_ROOT", ROOT / "runs" / "downloads"))
"""Where the data sets lie that extractors were trained on, if they are at hand."""
