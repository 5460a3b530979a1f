import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from ganablate.study.reading.errors import StudyError
from ganablate.sweep.profile import Profile, load_profile
from ganablate.trials.weights import Keep

SWEEPS = Path(__file__).parents[2] / "sweeps"


def test_every_shipped_profile_loads_and_says_what_it_is_for() -> None:
    profiles = {path.stem: load_profile(path) for path in SWEEPS.glob("*.yaml")}
    assert profiles.keys() == {"laptop", "one-gpu", "multi-gpu", "cluster"}
    assert profiles["laptop"] == Profile(device="cpu")
    for path in SWEEPS.glob("*.yaml"):
        assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("given", ["10.0.0.1:6379", "head:6379", "[fd00::1]:6379", "auto"])
def test_the_address_of_a_cluster_is_auto_or_host_and_port(given: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"address: '{given}'\n", encoding="utf-8")
    assert load_profile(path).address == given


@pytest.mark.parametrize("given", ["head", "ray://head:10001", "head:port", "head:70000", ":6379"])
def test_another_address_is_one_clear_problem(given: str, tmp_path: Path) -> None:
    ((line, text),) = problems(tmp_path, f"retries: 1\naddress: '{given}'\n")
    assert line == 2
    assert given in text
    assert "auto or HOST:PORT" in text


def problems(tmp_path: Path, text: str) -> list[tuple[int, str]]:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        load_profile(path)
    places = [problem.place.rpartition(":") for problem in caught.value.problems]
    assert {name for name, *_ in places} == {str(path)}
    messages = [problem.message for problem in caught.value.problems]
    return list(zip([int(line) for *_, line in places], messages, strict=True))


def test_all_errors_come_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = (
        "device: gpu\nretrys: 3\nthreads: 0\nconcurrency: many\nretries: true\n"
        "checkpoint_seconds: -1\n"
    )
    lines, texts = zip(*problems(tmp_path, text), strict=True)
    assert lines == (1, 2, 3, 4, 5, 6)
    assert '"gpu" is given' in texts[0]
    assert "'auto', 'cpu' or 'cuda'" in texts[0]
    assert '"retrys" is not' in texts[1]
    assert "did you mean retries?" in texts[1]
    assert "greater than or equal to 1" in texts[2]
    assert '"many" is given' in texts[3]
    assert "cores" in texts[3]
    assert texts[4].startswith("retries: ")
    assert len(problems(tmp_path, "concurrency: 0\n")) == 1  # one mistake is one problem


def test_what_trials_keep_is_one_of_three(tmp_path: Path) -> None:
    assert Profile().keep == "weights"
    assert {Profile(keep=keep).keep for keep in get_args(Keep)} == {"weights", "generator", "none"}
    ((line, text),) = problems(tmp_path, "retries: 1\nkeep: generators\n")
    assert line == 2
    assert '"generators" is given' in text
    assert "'weights', 'generator' or 'none'" in text


def test_a_missing_file_is_one_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such file"):
        load_profile(tmp_path / "none.yaml")


def test_reading_a_profile_imports_neither_torch_nor_ray_nor_mlflow() -> None:
    code = (
        "import sys; import ganablate.sweep.profile, ganablate.sweep.machine, "
        "ganablate.sweep.job, ganablate.sweep.events; "
        "print(sorted({'torch', 'ray', 'mlflow'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.check_output(command, text=True, cwd=SWEEPS.parent).strip() == "[]"
