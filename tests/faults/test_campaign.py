"""The fault campaign in short: a real sweep under kill -9, and kills at sampled writes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fault_campaign.py"


def campaign(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=1500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_short_campaign_loses_and_doubles_nothing() -> None:
    """Two rounds, one with SQLite and one with a tracking server."""
    said = campaign("--kills", "4", "--round", "2", "--seed", "4", "--jobs", "2")
    assert re.search(
        r"^4 kills in [23] rounds, .*: 0 lost, 0 doubled, 0 other$", said, re.MULTILINE
    )
    killed = set(re.findall(r"kill -9 (\w+)", said))
    assert killed == {"worker", "driver", "server"}


def test_a_kill_at_sampled_writes_changes_nothing_of_what_comes_out() -> None:
    said = campaign("--systematic", "--every", "45")
    assert "nothing amiss" in said.splitlines()[-1]
    kills = re.findall(r"^(\S.*?) {2,}(\d+) +(\d+) ", said, re.MULTILINE)
    assert {name for name, *_ in kills} == {
        "training", "training, again and again", "measuring", "putting aside", "falling back",
        "reading data", "reporting",
    }  # fmt: skip
    for name, writes, count in kills:
        assert 2 <= int(count) <= 2 * int(writes), name
