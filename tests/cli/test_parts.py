"""`list`: every part, what it takes and where it is from; quickly, and without torch."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganablate import catalog
from ganablate.catalog import PLUGIN_TABLES, TABLES
from ganablate.study.plugins import forget_plugins
from tests.support import command
from tests.support.plugin_files import ALL, write


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    forget_plugins()


def invoke(*arguments: str) -> tuple[int, str, str]:
    return command.invoke("list", *arguments)


def as_json(*arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
    code, out, err = invoke("--json", *arguments)
    assert (code, err) == (0, "")
    return {(entry["kind"], entry["name"]): entry for entry in json.loads(out)}


def test_every_line_of_every_table_is_there_with_its_source() -> None:
    found = as_json()
    assert set(found) == {(kind, name) for kind, table in TABLES.items() for name in table.lines}
    text = " ".join(invoke()[1].split())
    for entry in found.values():
        assert entry["plugin"] is None
        for said in (entry["name"], entry["summary"], entry["source"], *entry["settings"]):
            assert " ".join(said.split()) in text


def test_settings_have_the_defaults_and_ranges_that_a_study_is_checked_by() -> None:
    found = as_json()
    assert found["optimizers", "adam"]["settings"] == {
        "lr": {"default": 2e-4, "exclusiveMinimum": 0},
        "beta1": {"default": 0.5, "minimum": 0, "exclusiveMaximum": 1},
        "beta2": {"default": 0.999, "minimum": 0, "exclusiveMaximum": 1},
        "weight_decay": {"default": 0.0, "minimum": 0},
    }
    wasserstein = found["criteria", "wasserstein"]["settings"]
    assert wasserstein["d_steps"] == {"default": 5, "minimum": 1, "maximum": 100}
    assert wasserstein["d_weight_clip"] == {"default": 0.01, "exclusiveMinimum": 0}
    assert found["criteria", "bce"]["settings"]["fake_labels"] == {
        "default": "0", "minimum": 0, "maximum": 1,
    }  # fmt: skip
    dcgan = found["networks", "dcgan"]["settings"]
    assert dcgan["g_norm"] == {"default": "batch", "choices": ["none", "batch", "spectral"]}
    assert dcgan["g_activation"]["choices"] == list(catalog.ACTIVATIONS)
    assert found["metrics", "fid"]["columns"]["fid"]["direction"] == "min"
    assert found["penalties", "r1"]["settings"]["penalty_weight"]["default"] == 10.0


def test_text_in_full_for_one() -> None:
    lines = invoke("penalties")[1].splitlines()
    assert lines[:4] == [
        "penalties: in a study, penalty: NAME",
        "  r1                half the squared gradient of D at the real images",
        "                    Mescheder et al. 2018, arXiv 1801.04406, equation 9",
        "                    settings: penalty_weight 10.0 in [0, inf)",
    ]
    assert not any(line.startswith("criteria") for line in lines)
    assert max(map(len, invoke("networks", "optimizers")[1].splitlines())) <= 100


def test_parts_of_plugins_stand_beside_the_built_in_ones(project: Path) -> None:
    write(project, ALL)
    found = as_json("--plugin", "my_losses")
    own = {key: entry for key, entry in found.items() if entry["plugin"] == "my_losses.py"}
    assert {kind for kind, _ in own} == set(PLUGIN_TABLES)
    assert len({entry["digest"] for entry in own.values()}) == 1
    assert own["optimizers", "nadam"]["settings"]["beta1"]["default"] == 0.5
    assert own["probes", "brightness"]["pictures"] == {"strip": "a sample"}
    assert own["activations", "swish"]["source"] == "own"
    assert "swish" in found["networks", "mlp"]["settings"]["g_output"]["choices"]
    _, out, _ = invoke("criteria", "--plugin", "my_losses")
    assert "  margin         a test  (plug-in my_losses.py)\n" in out


def test_an_unknown_kind_is_told_the_nearest() -> None:
    code, out, err = invoke("metrix", "criteria", "loss")
    assert (code, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith('"metrix" is not a kind of part; did you mean metrics? Allowed: ')
    assert second.startswith('"loss" is not a kind of part; ')


def test_it_imports_neither_torch_nor_ray_nor_mlflow() -> None:
    code = (
        "import sys\nfrom ganablate.cli import app\n"
        "app(['list'], standalone_mode=False)\n"
        "heavy = {'torch', 'ray', 'mlflow', 'pandas', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "relu" in done.stdout
