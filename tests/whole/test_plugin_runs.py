"""Parts from outside in real sweeps: the real command, Ray's workers, MLflow, the report."""

import contextlib
import csv
import json
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.support.plugin_files import ALL, write
from tests.support.real_project import attempts
from tests.support.real_project import ganablate as command

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]

STUDY = """\
study: own
base: {dataset: stripes, network: tiny, batch_size: 50, iterations: 20, latent_dim: 8, lr: 0.01}
arms:
  loss: {criterion: margin, penalty: drift}
  sees: {trainer: noisy, noise: 0.5}
  steps: {optimizer: nadam, lr_schedule: warm, init: torch}
  nets: {network: mlp, g_width: 16, d_width: 16, activation: swish, init: small}
primary: apart
metrics: [d_loss, fid, apart]
probes: [brightness]
"""


def ganablate(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = command(folder, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def rows(folder: Path, study: str = "own", budget: str = "full") -> dict[str, dict[str, str]]:
    with (folder / "results" / study / budget / "trials.csv").open() as file:
        return {row["arm"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own.yaml").write_text(STUDY)
    write(folder, ALL)
    ganablate(folder, "run", "own.yaml", "--plugin", "my_losses")
    return folder


def test_every_kind_of_part_trains_and_measures_in_rays_workers(done: Path) -> None:
    table = rows(done)
    assert set(table) == {"baseline", "loss", "sees", "steps", "nets"}
    assert {row["state"] for row in table.values()} == {"complete"}
    for row in table.values():
        assert float(row["apart"]) > 0
        assert 0 < float(row["mean_pixel"]) < 255
    names = {
        "sees": {"trainer", "dataset", "network", "init"},
        "loss": {"dataset", "network", "init", "criterion", "penalty"},
        "steps": {"dataset", "network", "g_optimizer", "d_optimizer", "lr_schedule"},
        "nets": {"dataset", "g_activation", "d_activation", "init"},
    }
    for arm, expected in names.items():
        trial = done / "runs" / "trials" / table[arm]["trial_id"]
        written = json.loads((trial / "trial.json").read_text())
        assert set(written["plugins"]) == expected
        assert list(trial.glob("probes/brightness-strip.png"))
    page = (done / "results" / "own" / "full" / "report.html").read_text()
    assert "Apart" in page
    facts = json.loads((done / "results" / "own" / "full" / "provenance.json").read_text())
    assert set(facts["plugins"]) == {
        "apart", "brightness", "stripes", "tiny", "small", "margin", "drift", "nadam", "warm",
        "swish", "noisy",
    }  # fmt: skip
    assert facts["plugins"]["margin"] in page


def test_mlflow_has_the_parts_and_their_numbers(done: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{done / 'runs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("own")
    runs = client.search_runs([experiment.experiment_id])
    by_arm = {run.data.tags.get("ganablate.arm"): run for run in runs}
    table = rows(done)
    for arm in table:
        metrics = by_arm[arm].data.metrics
        (stored,) = (name for name in metrics if name.startswith("apart"))
        assert metrics[stored] == float(table[arm]["apart"])
    assert by_arm["loss"].data.params["criterion"] == "margin"


def test_again_nothing_is_trained_and_the_report_needs_the_plugin(done: Path) -> None:
    before = attempts(done)
    again = ganablate(done, "run", "own.yaml", "--plugin", "my_losses.py")
    assert "5 reused" in again.stdout
    assert attempts(done) == before
    reported = ganablate(done, "report", "own.yaml", "--plugin", "my_losses")
    assert "Apart" in reported.stdout
    status = ganablate(done, "status", "own.yaml", "--plugin", "my_losses", "--json")
    assert {one["state"] for one in json.loads(status.stdout)[0]["trials"]} == {"complete"}
    refused = ganablate(done, "report", "own.yaml", code=2)
    assert refused.stderr.count("a part of a plug-in needs --plugin") >= 5


def test_an_edited_metric_is_measured_anew_from_kept_weights(tmp_path: Path) -> None:
    """Parts and measures in two files: an edit of the second trains nothing."""
    functions, tables = ALL.split("TRAINERS = {")
    parts, measures = tables.split("METRICS = {")
    trained = write(tmp_path, f"{functions}TRAINERS = {{{parts}", "parts.py")
    measured = write(tmp_path, f"{functions}METRICS = {{{measures}", "measures.py")
    short = STUDY[: STUDY.index("arms:")] + "primary: fid\nmetrics: [d_loss, fid]\n"
    (tmp_path / "own.yaml").write_text(short)
    ganablate(tmp_path, "run", "own.yaml", "--plugin", "parts")
    (before,), tries = rows(tmp_path).values(), attempts(tmp_path)
    plugins = ("--plugin", "parts", "--plugin", "measures")

    def numbers() -> dict[str, float]:
        more = ("--metric", "apart", "--probe", "brightness")
        shown = ganablate(tmp_path, "evaluate", "own.yaml", *more, *plugins).stdout
        assert "Apart" in shown
        assert "Mean pixel" in shown
        folder = tmp_path / "runs" / "trials" / before["trial_id"]
        found: dict[str, float] = json.loads((folder / "metrics.json").read_text())["numbers"]
        return found

    first = numbers()
    (old,) = (name for name in first if name.startswith("apart-"))
    text = measured.read_text()
    measured.write_text(text.replace("linalg.norm(gap))", "linalg.norm(gap)) + 1"))
    second = numbers()
    (new,) = (name for name in second if name.startswith("apart-") and name != old)
    assert second[new] == pytest.approx(first[old] + 1)
    assert {name: second[name] for name in first} == first  # that of the old text stays
    assert attempts(tmp_path) == tries
    trained.write_text(trained.read_text() + "# edited\n")
    plan = json.loads(ganablate(tmp_path, "plan", "own.yaml", *plugins, "--json").stdout)
    assert before["trial_id"] not in {trial["trial_id"] for trial in plan[0]["trials"]}


def test_settings_of_an_own_network_reach_the_training_mlflow_and_the_table(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    study, plugin = "examples/residual.yaml", "examples/residual.py"
    checked = ganablate(tmp_path, "list", "networks", "--check", "--plugin", plugin)
    assert checked.stdout.startswith("networks residual: ok\n  it does not read g_activation, ")
    ganablate(tmp_path, "run", study, "--plugin", plugin, "--budget", "smoke")
    table = rows(tmp_path, "residual", "smoke")
    assert set(table) == {"baseline", "blocks=0", "blocks=2", "attention=false"}
    assert len({row["fid"] for row in table.values()}) == 4
    with contextlib.closing(sqlite3.connect(tmp_path / "runs" / "mlflow.db")) as database:
        query = "select distinct key, value from params where key in ('blocks', 'attention')"
        logged = database.execute(query).fetchall()
    assert sorted(logged) == [
        ("attention", "false"), ("attention", "true"), ("blocks", "0"), ("blocks", "1"),
        ("blocks", "2"),
    ]  # fmt: skip
    options = ("--plugin", plugin, "--budget", "smoke")
    assert "blocks=2" in ganablate(tmp_path, "show", "blocks=2", study, *options).stdout
