"""Each check of `doctor`, broken for real, says its line; a sound machine has none that fails."""

import json
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from ganablate.catalog import DATASETS, NAMED_EXTRACTORS
from ganablate.metrics.weight_files import WEIGHTS
from ganablate.project import doctor
from ganablate.project.doctor import (
    CHECKS,
    DOWNLOADED,
    FILES,
    Finding,
    Place,
    ask_torch,
    examine,
)
from ganablate.sweep.limits import available_memory
from ganablate.sweep.machine import torch_facts
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import temporary_folder
from tests.support.command import invoke
from tests.support.small_disks import read_only, small_disk

READ_ONLY = Path("/proc/ganablate")
"""Nobody, not even root, can make a folder there."""
FACTS = torch_facts(Path("nowhere"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty folder, and torch as it is here, asked in this process for speed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "tmp").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Place(
        Path("runs"), Path("results"), Path("data"), lambda: FACTS, port=port,
        temporary=tmp_path / "tmp",
    )  # fmt: skip


def changed(place: Place, **fields: object) -> Place:
    return Place(**(vars(place) | fields))  # type: ignore[arg-type]


def found(name: str, place: Place, **fields: object) -> Finding:
    return CHECKS[name](changed(place, **fields))


def test_a_sound_machine_fails_no_check(place: Place) -> None:
    findings = dict(examine(place))
    assert list(findings) == list(CHECKS)
    assert {name: line for name, line in findings.items() if line.level == "fail"} == {}
    assert FACTS["torch"] in findings["torch"].text
    assert not Path("runs").exists()
    assert not Path("results").exists()


def test_python_and_packages_out_of_their_ranges(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = ["numpy>=99", "no-such-package>=1", "no-such-extra; extra == 'dev'"]
    monkeypatch.setattr(metadata, "requires", lambda _: needed)
    monkeypatch.setattr(sys, "version", "3.9.1 (main)")
    old = found("python", place)
    assert (old.level, "install Python >=3.11" in old.advice) == ("fail", True)
    wrong = found("packages", place)
    assert wrong.level == "fail"
    assert "is not >=99" in wrong.text
    assert "no-such-package is missing" in wrong.text
    assert "extra" not in wrong.text


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ("torch", "OSError: no such library"),
        ("torchvision", "RuntimeError: operator torchvision::nms does not exist"),
    ],
)
def test_a_torch_that_does_not_load(
    broken: str, line: str, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, _, reason = line.partition(": ")
    (tmp_path / "torch.py").write_text("")
    (tmp_path / f"{broken}.py").write_text(f"raise {error}({reason!r})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    facts = ask_torch(tmp_path)  # a process of its own finds these modules first
    finding = found("torch", place, torch=lambda: facts)
    assert finding.level == "fail"
    assert line in finding.text
    assert "pip install" in finding.advice
    assert found("named extractors", place, torch=lambda: facts).level == "warn"
    assert found("gpu", place, torch=lambda: facts).level == "ok"


@pytest.mark.parametrize(
    ("here", "usable", "cuda", "device", "expected"),
    [
        (True, ["H100"], "13", "cpu", "ok: 1 x H100 to use it: --sweep sweeps/one-gpu.yaml"),
        (True, ["A"] * 4, "13", "cpu", "ok: 4 x A to use it: --sweep sweeps/multi-gpu.yaml"),
        (True, ["H100"], "13", "cuda", "ok: 1 x H100 "),
        (True, [], None, "cpu", "warn: an NVIDIA device is here, and torch finds no GPU: its buil"),
        (True, [], "13", "cpu", "warn: an NVIDIA device is here, and torch finds no GPU: driver a"),
        (False, [], "13", "cuda", "fail: none"),
        (False, [], None, "cpu", "ok: none"),
    ],
)
def test_a_gpu_and_one_out_of_reach(
    here: bool, usable: list[str], cuda: str | None, device: Any, expected: str,
    place: Place, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    device_file = Path("/dev/null" if here else "/dev/none")
    monkeypatch.setattr("ganablate.project.doctor._NVIDIA", (device_file,))
    facts = {"gpus": usable, "cuda": cuda}
    finding = found("gpu", place, torch=lambda: facts, profile=Profile(device=device))
    assert f"{finding.level}: {finding.text} {finding.advice}".startswith(expected)


def test_a_profile_that_cannot_be_read(place: Place, tmp_path: Path) -> None:
    profile = tmp_path / "gpu.yaml"
    profile.write_text("device: gpu")
    wrong = found("profile", place, profile_file=profile)
    assert wrong.level == "fail"
    assert f"{profile}:1" in wrong.text
    assert found("profile", place).level == "ok"  # no sweeps/ is no mistake


def test_the_default_profile_is_looked_at_as_run_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "ask_torch", lambda _: FACTS | {"gpus": []})
    monkeypatch.setattr("ganablate.project.doctor._NVIDIA", ())
    monkeypatch.setattr("ganablate.sweep.cluster.look_at_nodes", lambda *_, **__: [])
    (tmp_path / "sweeps").mkdir()

    def told() -> dict[str, str]:
        _, out, _ = invoke("doctor", "--json")
        return {line["check"]: f"{line['level']}: {line['text']}" for line in json.loads(out)}

    (tmp_path / "sweeps" / "laptop.yaml").write_text("device: cuda\naddress: 10.0.0.1:6379\n")
    asked = told()
    assert asked["gpu"] == "fail: none, and the profile asks for cuda"
    assert asked["cluster"].startswith("ok: 10.0.0.1:6379: 0 nodes")
    (tmp_path / "sweeps" / "laptop.yaml").write_text("device: cpu\n")
    assert told()["gpu"] == "ok: none; trials run on the CPU"


def test_little_memory(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  3000000 kB\n")
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5\n")
    assert available_memory(tmp_path / "meminfo", tmp_path) == 3_000_000 * 1024
    (tmp_path / "memory.max").write_text("600000000\n")
    (tmp_path / "memory.current").write_text("100000000\n")
    left = available_memory(tmp_path / "meminfo", tmp_path)
    assert left == 500_000_000
    stat = "anon 50000000\nfile 40000000\ninactive_file 20000000\nactive_file 10000000\n"
    (tmp_path / "memory.stat").write_text(stat)  # files in memory can be dropped
    assert available_memory(tmp_path / "meminfo", tmp_path) == 530_000_000
    assert available_memory(tmp_path / "none") is None
    levels = []
    for free in (left, 1.5e9, 2.5e9):
        monkeypatch.setattr(doctor, "available_memory", lambda free=free: free)
        levels.append(found("memory", place).level)
    assert levels == ["fail", "warn", "ok"]


def test_a_small_disk(place: Place, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 8_000_000) as disk:
        for name, field in (("disk", "runs"), ("ray", "temporary")):
            finding = found(name, place, **{field: disk})
            assert finding.level == "fail"
            assert finding.advice.startswith("free some space")
        scarce = found("ray", place, shared_memory=disk)
        assert scarce.level == "warn"
        assert "--shm-size" in scarce.advice


@pytest.mark.parametrize("field", ["runs", "results"])
def test_folders_that_cannot_be_written(field: str, place: Place, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    for folder in (READ_ONLY, in_the_way):
        finding = found("folders", place, **{field: folder})
        assert finding.level == "fail"
        assert str(folder) in finding.text
    with read_only(tmp_path / "locked") as folder:
        assert "read-only" in found("folders", place, **{field: folder}).text


def test_what_killed_sweeps_left(place: Place) -> None:
    with temporary_folder() as held:
        shutil.copytree(held, place.temporary / held.name)
        left = place.temporary / "ganablate-ray-left"
        left.mkdir()
        (left / "held").touch()
        (place.temporary / held.name / "held").unlink()
        (place.temporary / held.name / "held").hardlink_to(held / "held")
        finding = found("ray", place)
    assert finding.level == "warn"
    assert finding.text.startswith("1 folders of killed sweeps")
    shutil.rmtree(left)
    shutil.rmtree(place.temporary / held.name)
    assert found("ray", place).level == "ok"


def test_every_data_set_is_looked_for() -> None:
    assert set(FILES) == {name for name, line in DATASETS.items() if not line.embedded}
    assert set(DOWNLOADED) <= set(FILES)


@pytest.mark.parametrize("dataset", FILES)
def test_data_that_are_here_and_those_that_are_not(dataset: str, place: Place) -> None:
    before = found("data", place)
    assert "in data/: none" in before.text
    assert dataset in before.advice
    path = place.data_root / FILES[dataset][-1]
    path.mkdir(parents=True)
    after = found("data", place)
    assert f"in data/: {dataset}" in after.text
    assert dataset not in [name.strip() for name in after.advice.replace(":", ",").split(",")]


def test_data_of_an_earlier_run(place: Place) -> None:
    card = place.runs / "data" / "mnist-28" / "card.json"
    card.parent.mkdir(parents=True)
    card.write_text("{")  # cut short
    assert "none" in found("data", place).text
    card.write_text(json.dumps({"fingerprint": "f"}))
    assert found("data", place).text.endswith("mnist")


def test_a_data_root_that_takes_no_downloads(place: Place, tmp_path: Path) -> None:
    finding = found("data root", place, data_root=READ_ONLY)
    assert finding.level == "warn"
    assert "mnist, fashion_mnist, cifar10, flowers102 cannot be downloaded" in finding.text
    (tmp_path / "file").write_text("")
    assert found("data root", place, data_root=tmp_path / "file").level == "fail"


def test_weights_with_another_sha256(place: Place, tmp_path: Path) -> None:
    copy = tmp_path / "weights"
    shutil.copytree(WEIGHTS, copy)
    assert found("extractors", place, weights=copy).level == "ok"
    file = copy / "mnist_classifier.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    (copy / "cifar10_classifier.json").unlink()
    finding = found("extractors", place, weights=copy)
    assert finding.level == "fail"
    assert "mnist_classifier.safetensors has sha256" in finding.text
    assert "cifar10_classifier.json is missing" in finding.text


def test_inception_that_is_absent_and_one_that_is_another(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = NAMED_EXTRACTORS["inception"]
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))

    def told(root: Path) -> Finding:
        return found("named extractors", place, torch=lambda: torch_facts(root))

    absent = told(tmp_path / "none")
    assert absent.level == "ok"
    assert "absent" in absent.text
    assert line.url in absent.advice
    (tmp_path / "inception").mkdir()
    (tmp_path / "inception" / line.weights).write_bytes(b"another")
    assert "the sha256 of" in told(tmp_path).advice


def damaged(file: Path) -> None:
    """A page in the middle of a database is overwritten."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\xff" * 4096
    file.write_bytes(content)


BROKEN: dict[str, Callable[[Path], object]] = {
    "file is not a database": lambda file: file.write_bytes(b"not a database at all" * 100),
    "it is damaged: ": damaged,
    "it is not MLflow's": lambda file: sqlite3.connect(file).execute("DROP TABLE experiments"),
}


@pytest.mark.parametrize("words", BROKEN)
def test_a_database_that_is_damaged(words: str, place: Place) -> None:
    assert "is made by the first run" in found("mlflow", place).text
    place.runs.mkdir()
    file = place.runs / "mlflow.db"
    with sqlite3.connect(file) as made:
        made.execute("CREATE TABLE experiments (name TEXT)")
        made.execute("CREATE TABLE metrics (key TEXT)")
        made.executemany("INSERT INTO metrics VALUES (?)", [("x" * 100,)] * 2000)
    made.close()
    sound = found("mlflow", place)
    assert (sound.level, "runs/mlflow.db" in sound.text) == ("ok", True)
    opened = BROKEN[words](file)
    if isinstance(opened, sqlite3.Cursor):
        opened.connection.close()
    finding = found("mlflow", place)
    assert finding.level == "fail"
    assert words in finding.text
    assert "mv runs/mlflow.db" in finding.advice


def test_a_server_is_not_asked_and_its_password_not_told(place: Place) -> None:
    finding = found("mlflow", place, tracking_uri="http://ada:secret@example.org:5000")
    assert finding.level == "ok"
    assert "secret" not in finding.text
    assert found("mlflow", place, tracking_uri="htp://x").level == "fail"


def test_a_busy_port(place: Place) -> None:
    assert found("port", place).level == "ok"
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", place.port))
        busy.listen()
        finding = found("port", place)
        code, _, err = invoke("ui", "--port", str(place.port))
    assert finding.level == "warn"
    assert f"ganablate ui --port {place.port + 1}" in finding.advice
    assert (code, f"ganablate ui --port {place.port + 1}" in err) == (2, True)


def test_a_check_that_breaks_does_not_end_the_others(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHECKS, "memory", lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    findings = dict(examine(place))
    assert findings["memory"].level == "fail"
    assert "ZeroDivisionError" in findings["memory"].text
    assert len(findings) == len(CHECKS)


def test_the_command_says_each_in_a_line_and_fails_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "ask_torch", lambda _: FACTS)
    code, out, _ = invoke("doctor")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()] == [name.split()[0] for name in CHECKS]
    (tmp_path / "runs").write_text("in the way")
    (tmp_path / "wrong.yaml").write_text("device: gpu")
    code, out, _ = invoke("doctor", "--json", "--sweep", "wrong.yaml")
    assert code == 1
    failed = {line["check"]: line for line in json.loads(out) if line["level"] == "fail"}
    assert set(failed) == {"folders", "profile"}
    assert failed["folders"]["advice"]
