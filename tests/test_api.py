"""ganablate from Python: the names of the package, and frames that are what the report says."""

import asyncio
import csv
import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ganablate
from ganablate.study.reading.errors import StudyError

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "studies" / "quickstart.yaml"
RECORD = ROOT / "results" / "published" / "quickstart" / "full"
TINY = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, g_width: 32, d_width: 32, latent_dim: 8, iterations: 60}
ablate: {latent_dim: [4]}
replicates: 2
primary: fid
metrics: [d_loss, fid]
budgets: {brief: {iterations: 30, replicates: 1}}
"""


def published(name: str) -> pd.DataFrame:
    return pd.read_csv(RECORD / name)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A project with the published results and no trials, as after `git clone`."""
    (tmp_path / "results").symlink_to(ROOT / "results")
    return tmp_path


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import json, sys, ganablate\n"
        "heavy = {'torch', 'ray', 'mlflow', 'pandas', 'numpy', 'scipy', 'pydantic', 'yaml'}\n"
        "first = sorted(heavy & set(sys.modules))\n"
        "ganablate.plan(ganablate.load_study(sys.argv[1]), 'smoke')\n"
        "heavy -= {'pydantic', 'yaml'}\n"
        "print(json.dumps([first, sorted(heavy & set(sys.modules)), dir(ganablate)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(STUDY)], capture_output=True, text=True, check=True
    )
    first, after_plan, names = json.loads(done.stdout)
    assert first == after_plan == []
    assert set(ganablate.__all__) <= set(names)


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'ganablate' has no attribute 'sweeps'"):
        _ = ganablate.sweeps


@pytest.mark.parametrize("name", ganablate.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    function = getattr(ganablate, name)
    text = inspect.getdoc(function) or ""
    for part in ("Returns:", "Example:", ">>> "):
        assert part in text, part
    assert "Raises:" in text or "errors are those of `results`" in text
    for parameter in inspect.signature(function).parameters:
        inherited = "rguments" in text and parameter in ("study", "budget", "published", "folder")
        assert inherited or f"{parameter}: " in text or f"`{parameter}`" in text, parameter


def test_a_study_is_loaded_and_planned_by_its_path() -> None:
    study = ganablate.load_study(str(STUDY))
    assert study.model_dump() == ganablate.load_study(STUDY).model_dump()
    assert [arm.name for arm in ganablate.plan(study, "smoke").arms] == [
        "baseline", "norm=none", "activation=sigmoid", "latent_dim=10",
    ]  # fmt: skip
    some = ganablate.plan(study, arms=["norm=none"], replicates=2)
    assert [(trial.arm, trial.replicate) for trial in some.trials] == [
        ("norm=none", 0), ("norm=none", 1),
    ]  # fmt: skip
    with pytest.raises(StudyError, match='"smok" is not a budget of this study'):
        ganablate.plan(study, "smok")


def test_a_path_will_do_for_a_study_and_a_plan_is_a_line_in_a_notebook(clone: Path) -> None:
    plan = ganablate.plan(str(STUDY), "smoke")
    assert plan == ganablate.plan(ganablate.load_study(STUDY), "smoke")
    assert repr(plan) == "<Plan of quickstart at the budget smoke: 4 arms, 4 trials>"
    table = ganablate.table(STUDY, "full", published=True, folder=clone)
    assert len(table) == 4
    with pytest.raises(StudyError):
        ganablate.run("no such file.yaml")


def test_parts_of_a_plug_in_can_be_named(tmp_path: Path) -> None:
    from ganablate.study.plugins import forget_plugins

    line = 'Criterion(implementation="ganablate.gan.criteria:hinge", summary="s", source="t", '
    (tmp_path / "api_plugin.py").write_text(
        "from ganablate.catalog import Criterion\n"
        f'CRITERIA = {{"of_my_own": {line}threshold=0.0)}}\n'
    )
    (tmp_path / "own.yaml").write_text(
        TINY.replace("ablate:", "ablate: {criterion: [of_my_own]}\n#")
    )
    with pytest.raises(StudyError, match="of_my_own"):
        ganablate.load_study(tmp_path / "own.yaml")
    try:
        study = ganablate.load_study(
            tmp_path / "own.yaml", plugins=[str(tmp_path / "api_plugin.py")]
        )
        assert [arm.name for arm in ganablate.plan(study).arms][1] == "criterion=of_my_own"
    finally:
        forget_plugins()


def test_results_are_the_published_trials_with_the_columns_that_are_promised(clone: Path) -> None:
    found = ganablate.results(ganablate.load_study(STUDY), published=True, folder=clone)
    text = (RECORD / "trials.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [name for name in found.columns if name in rows[0]] == list(rows[0])
    assert found["recall"].notna().all()
    assert [str(id_) for id_ in found["trial_id"]] == [row["trial_id"] for row in rows]
    assert [float(row["fid"]) for row in rows] == list(found["fid"])
    measured = ganablate.plan(ganablate.load_study(STUDY)).columns
    stamped = [f"{name}_protocol" for name in measured if f"{name}_protocol" in found.columns]
    losses = ("d_loss_", "g_loss_", "d_accuracy_")
    assert stamped == [f"{name}_protocol" for name in measured if not name.startswith(losses)]
    promised = inspect.getdoc(ganablate.results) or ""
    for name in set(found.columns) - set(measured) - set(stamped):
        assert name in promised, name
    assert not (clone / "runs").exists()  # it writes nothing


def test_the_table_and_the_effects_are_the_published_ones(clone: Path) -> None:
    study = ganablate.load_study(STUDY)
    table = ganablate.table(study, published=True, folder=clone)
    expected = published("table.csv")
    assert list(table.columns) == list(expected.columns)
    assert list(table["verdict"].dropna()) == list(expected["verdict"].dropna())
    np.testing.assert_array_equal(table["fid"].to_numpy(), expected["fid"].to_numpy())
    effects = ganablate.effects(study, published=True, folder=clone)
    compared = expected[expected["compared_to"].notna()]
    assert list(effects["column"].unique()) == ["fid", "recall"]
    for column, prefix in (("fid", ""), ("recall", "recall_")):
        rows = effects[effects["column"] == column]
        assert list(rows["arm"]) == list(compared["arm"])
        for name in (name for name in effects.columns if name not in ("arm", "column")):
            there = name if name == "compared_to" else f"{prefix}{name}"
            mine, theirs = rows[name].astype(object), compared[there].astype(object)
            assert list(mine.fillna("-")) == list(theirs.fillna("-")), there


def test_effects_of_another_column_describe_and_are_not_judged(clone: Path) -> None:
    study = ganablate.load_study(STUDY)
    found = ganablate.effects(study, column="d_loss_mean", published=True, folder=clone).set_index(
        "arm"
    )
    trials = published("trials.csv")
    means = trials.groupby("arm")["d_loss_mean"].mean()
    expected = means["norm=none"] - means["baseline"]
    assert found.loc["norm=none", "effect"] == pytest.approx(expected, rel=1e-12)
    assert found.loc["norm=none", "effect_low"] < expected < found.loc["norm=none", "effect_high"]
    assert found[["effect_p", "effect_equivalence_p", "verdict"]].isna().all(axis=None)
    with pytest.raises(KeyError, match='"fidd" is not measured; allowed: d_loss_mean'):
        ganablate.effects(study, column="fidd", published=True, folder=clone)


def test_a_study_without_results_says_so_and_has_no_numbers(tmp_path: Path) -> None:
    study = ganablate.load_study(STUDY)
    with pytest.warns(UserWarning, match="no trial of quickstart at budget smoke") as told:
        found = ganablate.results(study, "smoke", folder=tmp_path)
    assert told[0].filename == __file__
    assert list(found["state"]) == ["pending"] * 4
    assert found["fid"].isna().all()
    with pytest.warns(UserWarning, match="no trial"):
        assert ganablate.effects(study, "smoke", folder=tmp_path)["effect"].isna().all()


def test_a_folder_that_cannot_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(OSError, match="results is a file; a folder is needed there"):
        ganablate.run(ganablate.load_study(STUDY), "smoke", folder=tmp_path)
    with pytest.raises(ValueError, match="ftp"):
        ganablate.run(ganablate.load_study(STUDY), folder=tmp_path, tracking_uri="ftp://host")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours
def test_run_works_beside_an_event_loop_and_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    study = ganablate.load_study(tmp_path / "tiny.yaml")

    async def notebook() -> tuple[int, int]:
        """A cell runs in the thread of the loop; a tool may well use another one."""
        ticks = asyncio.create_task(asyncio.sleep(0))
        here = ganablate.run(study, "brief", folder=tmp_path)
        await ticks
        loud = capsys.readouterr().out
        assert "2 trials completed" in loud
        assert "\x1b" not in loud
        there = await asyncio.to_thread(ganablate.run, study, folder=tmp_path, quiet=True)
        assert capsys.readouterr().out == ""
        return here.complete, there.complete

    assert asyncio.run(notebook()) == (2, 4)
    again = ganablate.run(study, folder=tmp_path, quiet=True)
    assert (again.complete, again.reused, again.failed) == (0, 4, 0)
    one = ganablate.run(study, arms=["latent_dim=4"], replicates=3, folder=tmp_path, quiet=True)
    assert (one.complete, one.reused) == (1, 2)
    found = ganablate.results(study, folder=tmp_path)
    assert (tmp_path / "results" / "tiny" / "full" / "report.html").exists()
    assert list(found.groupby("arm")["fid"].count().loc[["baseline", "latent_dim=4"]]) == [2, 3]
    assert not (ROOT / "runs" / "tiny").exists()
