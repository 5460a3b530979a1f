"""Which project a run in MLflow belongs to: several may send to one store, even the same study."""

import uuid
from pathlib import Path

from ganablate.files import RECORDS, read_json, write_json

OWNER = "ganablate.project"
"""Tag of a run: the project that sends it."""
_FILE = "project.json"


def owner_of(runs: Path) -> str:
    """The project's mark, 12 hex digits, drawn once and kept in `runs/records/`.

    A folder that is moved, mounted elsewhere or seen from another host keeps its mark. A copy gets
    its own: the folders that it consists of are others. The caller holds the store's lock.
    """
    folder = runs / RECORDS
    folder.mkdir(parents=True, exist_ok=True)
    folders = [place.stat().st_ino for place in (runs, folder)]
    record = read_json(folder / _FILE) or {}
    if record.get("folders") == folders and isinstance(record.get("project"), str):
        return str(record["project"])
    mark = uuid.uuid4().hex[:12]
    write_json(folder / _FILE, {"project": mark, "folders": folders})
    return mark
