"""The command line: exit codes, messages, and what it does not import."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.sweep.estimate import Cost, Costs, work_of
from ganablate.sweep.profile import Profile
from ganablate.trials.needs import measurements_of
from tests.support.command import GOOD, everything_under, invoke

FIVE_MISTAKES = """\
study: tiny
base: {dataset: mnist_5k, network: mlpp, epochs: 1}
ablate:
  criterion: [mse, bcee]
  batch_size: [-4]
replicats: 2
primary: fidd
metrics: [fid]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(GOOD)
    return tmp_path


def test_validate_says_what_a_study_is(project: Path) -> None:
    code, out, _ = invoke("validate", "studies/tiny.yaml")
    assert code == 0
    assert "studies/tiny.yaml: 4 arms x 2 replicates = 8 trials at the budget full" in out
    assert everything_under(project) == {"studies", "studies/tiny.yaml"}


@pytest.mark.parametrize("command", ["validate", "plan"])
def test_few_replicates_are_warned_of_with_what_they_can_find(project: Path, command: str) -> None:
    code, _, err = invoke(command, "studies/tiny.yaml")
    warning = "tiny: 2 replicates find a difference of 4 standard deviations in 9 of 100 studies"
    assert code == 0
    assert f"{warning} of 3 arms; 5 replicates in 99" in err
    study = project / "studies" / "tiny.yaml"
    study.write_text(GOOD.replace("replicates: 2", "replicates: 5"))
    assert invoke(command, "studies/tiny.yaml")[2] == ""


@pytest.mark.parametrize("command", ["validate", "plan", "run", "status", "report"])
def test_five_mistakes_are_five_lines_and_nothing_is_created(project: Path, command: str) -> None:
    (project / "studies" / "wrong.yaml").write_text(FIVE_MISTAKES)
    before = everything_under(project)
    code, out, err = invoke(command, "studies/wrong.yaml")
    assert code == 2
    assert out == ""
    lines = err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "studies/wrong.yaml:2",
        "studies/wrong.yaml:4",
        "studies/wrong.yaml:5",
        "studies/wrong.yaml:6",
        "studies/wrong.yaml:7",
    ]
    for line, nearest in zip(lines, ("mlp", "bce", "2", "replicates", "fid"), strict=True):
        assert nearest in line
    assert everything_under(project) == before


def test_the_mistakes_of_all_files_come_at_once(project: Path) -> None:
    (project / "studies" / "wrong.yaml").write_text(FIVE_MISTAKES)
    code, _, err = invoke("validate", "studies/wrong.yaml", "studies/none.yaml")
    assert code == 2
    assert len(err.splitlines()) == 6
    assert "studies/none.yaml" in err


def test_two_files_with_one_name_would_mix_their_results(project: Path) -> None:
    (project / "studies" / "copy.yaml").write_text(GOOD)
    code, _, err = invoke("validate", "studies/tiny.yaml", "studies/copy.yaml")
    assert code == 2
    assert [line.split(": ")[0] for line in err.splitlines()] == [
        "studies/tiny.yaml", "studies/copy.yaml",
    ]  # fmt: skip


def test_plan_lists_arms_and_json_lists_trials(project: Path) -> None:
    code, out, _ = invoke("plan", "studies/tiny.yaml")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[3:7]] == [
        "baseline", "latent_dim=4", "latent_dim=16", "criterion=mse",
    ]  # fmt: skip
    code, out, _ = invoke("plan", "studies/tiny.yaml", "--json", "--arm", "latent_dim=4")
    (plan,) = json.loads(out)
    assert [(t["arm"], t["replicate"]) for t in plan["trials"]] == [
        ("latent_dim=4", 0), ("latent_dim=4", 1),
    ]  # fmt: skip
    assert plan["trials"][0]["settings"]["latent_dim"] == 4


def test_of_very_many_arms_the_first_and_the_last_are_listed(project: Path) -> None:
    file = project / "studies" / "tiny.yaml"

    def listed(levels: int) -> list[str]:
        file.write_text(GOOD.replace("[4, 16]", str([*range(100, 100 + levels)])))
        code, out, _ = invoke("plan", "studies/tiny.yaml")
        assert code == 0
        return [line for line in out.splitlines()[2:] if line and ":" not in line][1:]

    assert [line.split()[0] for line in listed(98)][98:] == ["latent_dim=197", "criterion=mse"]
    many = listed(200)
    assert len(many) == 10 + 1 + 10
    assert many[10].split() == ["(182", "arms", "more)", "364", "(--json", "has", "all)"]
    names = [line.split()[0] for line in many]
    assert (names[0], names[9], names[11], names[-1]) == (
        "baseline", "latent_dim=108", "latent_dim=291", "criterion=mse",
    )  # fmt: skip


def test_status_of_a_study_that_never_ran(project: Path) -> None:
    code, out, _ = invoke("status", "studies/tiny.yaml", "--json")
    assert code == 0
    (status,) = json.loads(out)
    assert {trial["state"] for trial in status["trials"]} == {"pending"}
    assert not (project / "runs").exists()


def test_report_without_results_says_so(project: Path) -> None:
    code, out, _ = invoke("report")
    assert code == 0
    assert "no results on this machine yet: ganablate run studies/tiny.yaml\n" in out
    code, out, _ = invoke("report", "studies/tiny.yaml")
    assert (code, out) == (0, "tiny: no results yet: ganablate run studies/tiny.yaml\n")
    code, out, _ = invoke("report", "--published")
    assert (code, "no published record in results/published/ yet" in out) == (0, True)
    budgets = load_study(project / "studies" / "tiny.yaml").budget_names
    code, out, _ = invoke("report", "--budget", budgets[-1])
    assert (code, f"ganablate run studies/tiny.yaml --budget {budgets[-1]}\n" in out) == (0, True)
    assert not (project / "results").exists()  # no table without a number
    code, _, err = invoke("report", "--budget", budgets[-1] + "e")
    assert code == 2
    assert f"did you mean {budgets[-1]}?" in err


def test_planning_ten_thousand_trials_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        "study: big\n"
        "base: {dataset: mnist_5k, network: mlp, epochs: 1}\n"
        f"cross: {{latent_dim: {list(range(1, 101))}, batch_size: {list(range(2, 102))}}}\n"
        "primary: fid\nmetrics: [fid]\n"
    )
    script = (
        "import sys\n"
        "from ganablate.cli import app\n"
        "try: app(['plan', 's.yaml'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'torch', 'torchvision', 'ray', 'mlflow', 'pandas', 'seaborn', 'scipy'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"
    assert "10,000 trials" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--until-decided", "--replicates", "3"], "chooses arms and replicates itself"),
        (["--until-decided", "--arm", "criterion=mse"], "chooses arms and replicates itself"),
        (["--max-replicates", "8"], "--max-replicates is for --until-decided"),
    ],
)
def test_until_decided_takes_no_arms_and_no_replicates(
    project: Path, options: list[str], message: str
) -> None:
    code, out, err = invoke("run", "studies/tiny.yaml", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert everything_under(project) == {"studies", "studies/tiny.yaml"}


def test_plan_says_the_time_as_far_as_it_is_known(project: Path) -> None:
    code, out, _ = invoke("plan", "studies/tiny.yaml")
    assert code == 0
    assert "time: not known; --estimate measures it" in out
    plan = expand(load_study(project / "studies" / "tiny.yaml"))
    costs = Costs(project / "runs", Profile(concurrency=1))
    (project / "sweeps").mkdir()
    (project / "sweeps" / "laptop.yaml").write_text("concurrency: 1\n")
    wanted = measurements_of([plan])
    by_arm = {trial.arm: trial for trial in plan.trials}
    for arm in ("baseline", "latent_dim=4"):
        work = work_of(by_arm[arm], wanted[by_arm[arm].trial_id])
        costs.keep(work, Cost(iteration=0.0, around=600.0))
    code, out, _ = invoke("plan", "studies/tiny.yaml")
    assert code == 0
    # 4 trials of 10 minutes, one at a time, and the start; 25 % to each side.
    assert "time: about 40 min (30 min to 50 min) with 1 trial at a time; 40 min" in out
    assert "over 4 trials" in out
    assert "without 2 arms of unknown cost (latent_dim=16, criterion=mse); plan --estimate" in out
    code, out, _ = invoke("plan", "studies/tiny.yaml", "--arm", "baseline", "--estimate", "--json")
    (found,) = json.loads(out)
    assert found["time"]["working"]["likely"] == 1200
    assert found["time"]["each"] == {"baseline": 600}
    assert found["time"]["unknown"] == []
