"""The whole report: rebuilt from its own csv files, partial, empty, one arm and sixty."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib import _pylab_helpers
from PIL import Image

from ganablate.report.build import OtherRecordError, build_report, rebuild_report
from ganablate.report.figures.style import read_caption, wrapped
from ganablate.study.arms.identity import former_ids
from ganablate.study.claims.claims import Claim
from tests.support.synthetic_study import make_plan, three_arms_plan, write_all, write_trial

FILES = [
    "trials.csv", "curves.csv", "table.csv", "table.md", "table.tex", "provenance.json",
    "looks.csv", "forest.png", "loss_pairs.png", "losses.png", "primary.png", "samples.png",
    "report.html",
]  # fmt: skip
OF_ONE_REPLICATE = [name for name in FILES if name not in ("looks.csv", "forest.png")]
PICTURES = FILES[-6:-1]
CLAIM = Claim.model_validate(
    {"id": "R9.1", "says": "worse", "compare": {"arm": "d_dropout=0.0", "is": "worse"}}
)


PLAN = replace(three_arms_plan(), claims=(CLAIM,))
LACKING = PLAN.trials[4].trial_id


def contents(report):
    return {path.name: path.read_bytes() for path in report.files}


def build(folder):
    return build_report(
        PLAN, trials_root=folder / "runs" / "trials", results_root=folder / "results"
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with all trials but one, and their report."""
    folder = tmp_path_factory.mktemp("built")
    write_all(PLAN, folder / "runs" / "trials", skip={LACKING})
    return folder, build(folder)


@pytest.fixture
def copied(built, tmp_path):
    """A folder of the test's own, as `built` left it, and what was in the report's files."""
    folder, report = built
    shutil.copytree(folder, tmp_path / "copied")
    return tmp_path / "copied", contents(report)


def test_everything_is_written_and_small(built):
    folder, report = built
    known = [name for name in FILES if name != "looks.csv"]  # a look is at a whole study
    assert [path.name for path in report.files] == [*known[:5], "claims.csv", *known[5:]]
    assert report.folder == folder / "results" / "mnist_ablation" / "cpu"
    assert report.notices == ()
    for name in PICTURES:
        path = report.folder / "figures" / name
        assert path.stat().st_size <= 300_000
        with Image.open(path) as image:
            assert read_caption(image).text.startswith("Study mnist_ablation, budget cpu: 3 arms")
            assert len(np.unique(np.asarray(image.convert("L")))) > 10
    assert not _pylab_helpers.Gcf.figs
    assert {path.suffix for path in report.folder.rglob("*.*")} <= {
        ".csv", ".md", ".tex", ".json", ".png", ".html",
    }  # fmt: skip


@pytest.mark.slow
def test_a_second_build_changes_no_byte(copied):
    folder, before = copied
    assert contents(build(folder)) == before


def test_without_the_trials_folders_the_same_bytes_are_made_of_the_csv_files(copied):
    folder, before = copied
    results = folder / "results" / "mnist_ablation" / "cpu"
    shutil.rmtree(folder / "runs")
    drawn = ("forest.png", "loss_pairs.png", "losses.png", "primary.png")
    tables = ("table.csv", "table.md", "table.tex", "claims.csv", "report.html")
    for name in (*tables, *(f"figures/{name}" for name in drawn)):
        (results / name).unlink()
    second = build(folder)
    assert contents(second) == before
    assert second.notices == (
        "samples.png stays as it is: the images of 3 arm(s) are not here "
        "(baseline, d_dropout=0.0, criterion=least_squares)",
    )


def test_a_record_that_an_older_version_trained_stays_readable(copied):
    root, _ = copied
    shutil.rmtree(root / "runs")
    folder = root / "results/mnist_ablation/cpu"
    for path in folder.glob("*.*"):
        if path.suffix in (".csv", ".json"):
            text = path.read_text()
            for trial in PLAN.trials:
                older = former_ids(trial.config, trial.data_id)[0]
                text = text.replace(trial.trial_id, older)
            path.write_text(text)
    before = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    build(root)
    assert {path.name: path.read_bytes() for path in folder.glob("*.csv")} == before
    write_trial(root / "runs" / "trials", PLAN.trials[0], numbers={"fid": 1.0})
    report = build(root)  # one trial of this version is complete: the older ones are left out
    assert report.notices[0].startswith("9 earlier row(s) left out")


def test_a_record_without_a_column_that_the_study_gained_shows_it_as_missing(copied):
    root, _ = copied
    folder = root / "results/mnist_ablation/cpu"
    before = (folder / "trials.csv").read_bytes(), (folder / "curves.csv").read_bytes()
    more = replace(PLAN, metrics=(*PLAN.metrics, "kid"), primaries=("fid", "kid"))
    rebuild_report(more, folder)
    assert before == ((folder / "trials.csv").read_bytes(), (folder / "curves.csv").read_bytes())
    table = pd.read_csv(folder / "table.csv")
    assert table["kid"].isna().all()
    assert table["fid"].notna().all()
    fewer = replace(PLAN, metrics=PLAN.metrics[:-1])
    with pytest.raises(OtherRecordError, match="trials or columns are not those"):
        rebuild_report(fewer, folder)


def test_a_record_that_calls_recall_otherwise_is_read(copied):
    root, before = copied
    shutil.rmtree(root / "runs")
    folder = root / "results/mnist_ablation/cpu"
    text = (folder / "trials.csv").read_text()
    (folder / "trials.csv").write_text(text.replace("recall", "sample_recall"))
    assert contents(build(root))["trials.csv"] == before["trials.csv"]


def test_one_trial_that_is_here_joins_those_whose_folders_are_gone(copied):
    folder, before = copied
    shutil.rmtree(folder / "runs")
    trial, attempt = PLAN.trials[0], {"host": "host-b", "precision": "fp32"}
    write_trial(folder / "runs" / "trials", trial, numbers={"fid": 1.0}, attempt=attempt)
    second = build(folder)
    assert contents(second)["samples.png"] == before["samples.png"]
    assert "mixes executions" in (second.folder / "table.md").read_text()
    rows = (second.folder / "trials.csv").read_text().splitlines()
    known = before["trials.csv"].decode().splitlines()
    assert rows[2:] == known[2:]
    assert rows[1].count(",,") > 3  # of the other training nothing is left
    facts = json.loads((second.folder / "provenance.json").read_text())
    known = json.loads(before["provenance.json"])
    assert facts["seen"]["host"] == ["host-a", "host-b"]
    assert "precision: bf16, fp32" in facts["execution"]
    other = PLAN.trials[1].trial_id
    assert facts["trials"][other] == known["trials"][other]
    assert len(facts["trials"]) == 8


def test_nothing_complete_is_said_and_leaves_no_old_picture(three_arms, tmp_path):
    roots = {"trials_root": tmp_path / "runs" / "trials", "results_root": tmp_path / "results"}
    figures = tmp_path / "results" / "mnist_ablation" / "cpu" / "figures"
    figures.mkdir(parents=True)
    for name in PICTURES:
        (figures / name).write_bytes(b"of another plan")
    report = build_report(three_arms, **roots)
    assert report.notices == (
        "no trial of mnist_ablation at budget cpu is complete yet: the table has no numbers",
    )
    assert [path.name for path in report.files] == [*FILES[:5], FILES[-1]]


def test_a_diverged_arm_without_numbers_is_drawn(tmp_path):
    plan = make_plan({"baseline": {}, "g_lr=10.0": {"g_lr": 10.0}}, replicates=1)
    steps = np.ones(300, dtype=np.float32)
    write_trial(tmp_path, plan.trials[0], numbers={"fid": 20.0}, losses={"d/criterion": steps})
    gone = {"d/criterion": np.where(np.arange(300) < 100, steps, np.float32(np.nan))}
    write_trial(tmp_path, plan.trials[1], numbers={}, outcome="diverged", losses=gone)
    report = build_report(plan, trials_root=tmp_path, results_root=tmp_path / "results")
    assert "1 diverged" in (report.folder / "table.md").read_text()
    assert [path.name for path in report.files] == OF_ONE_REPLICATE[:-2] + OF_ONE_REPLICATE[-1:]


@pytest.mark.parametrize(
    ("arms", "size", "channels", "grain"),
    [
        (1, 28, 1, 1),
        pytest.param(8, 64, 3, 1, marks=pytest.mark.slow),
        pytest.param(26, 28, 3, 14, marks=pytest.mark.slow),
        pytest.param(60, 28, 3, 14, marks=pytest.mark.slow),
    ],
)
def test_few_and_many_arms_and_pictures_that_do_not_compress(arms, size, channels, grain, tmp_path):
    changes = {f"g_width={8 + n}, latent_dim={20 + n}": {"g_width": 8 + n} for n in range(arms - 1)}
    plan = make_plan({"baseline": {}, **changes}, replicates=1)
    generator = np.random.default_rng(5)
    for trial in plan.trials:
        shape = (10, size // grain, size // grain, channels)
        images = generator.integers(0, 256, shape, dtype=np.uint8)
        images = images.repeat(grain, axis=1).repeat(grain, axis=2)
        losses = {"d/criterion": generator.random(50, dtype=np.float32)}
        write_trial(tmp_path, trial, numbers={"fid": 9.0}, samples=images, losses=losses)
    report = build_report(plan, trials_root=tmp_path, results_root=tmp_path / "results")
    assert [path.name for path in report.files] == OF_ONE_REPLICATE
    assert all(p.stat().st_size <= 300_000 for p in report.files if p.suffix == ".png")


def test_long_names_wrap_at_their_joints():
    assert (
        wrapped("criterion=least_squares,g_width=32", 16)
        == "criterion=least_\nsquares,g_width=\n32"
    )
    assert wrapped("short", 16) == "short"
    assert wrapped("a" * 50, 10, lines=2) == "a" * 10 + "\n" + "a" * 9 + "…"
