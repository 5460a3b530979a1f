"""What libraries log and warn of, in a file: a person sees our lines."""

import logging
from io import TextIOWrapper
from pathlib import Path

NAME = "libraries.log"


class _LateFile(logging.FileHandler):
    """Makes its folder with the first line."""

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


def log_libraries(runs: Path) -> None:
    """From now on what libraries log goes to `runs/libraries.log`, made with its first line.

    What ganablate itself logs is printed.
    """
    handler = _LateFile(runs / NAME, delay=True, encoding="utf-8", errors="replace")
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(True)
    ours, printed = logging.getLogger("ganablate"), logging.StreamHandler()
    printed.setFormatter(logging.Formatter("warning: %(message)s"))
    ours.addHandler(printed)
    ours.propagate = False
