"""A search as a process of its own, to be killed: FOLDER STUDY."""

import sys
from pathlib import Path

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.sweep.profile import Profile
from ganablate.sweep.search import run_search
from ganablate.tracking import NoTracker
from tests.support import sweep_cases

if __name__ == "__main__":
    run_search(
        expand(load_study(Path(sys.argv[2]))),
        Profile(concurrency=2),
        observer=sweep_cases.Diary(),
        tracker=NoTracker(),
        runs=Path(sys.argv[1]),
        attempt="tests.support.search_attempts:rated",
    )
