"""`show` and `compare`: what they find, what they say of it, and the picture."""

import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import ttest_ind

from ganablate.report.show.find import Subject, find_all
from ganablate.report.show.selection import mean_curves, means_of
from ganablate.report.table.cells import spread_text
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.trials.folder import TrialFolder
from tests.support.command import invoke
from tests.support.fences import ROOT

PUBLISHED = ROOT / "results" / "published"
STUDY, SMALL = "studies/mnist_ablation.yaml", "studies/quickstart.yaml"
TRIAL = "063b683657f95335"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two studies with local records whose trials' folders are gone: copies of published ones."""
    project = tmp_path_factory.mktemp("project")
    (project / "studies").mkdir()
    for name in ("mnist_ablation", "quickstart"):
        shutil.copy(ROOT / "studies" / f"{name}.yaml", project / "studies")
    for record in map(Path, ("mnist_ablation/cpu", "quickstart/full")):
        shutil.copytree(
            PUBLISHED / record, project / "results" / record,
            ignore=shutil.ignore_patterns("*.png", "*.html"),
        )  # fmt: skip
    return project


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    return pd.read_csv(PUBLISHED / "mnist_ablation/cpu/trials.csv")


@cache
def printed(*arguments: str) -> str:
    """What a command prints; each is run once, since reading results takes a moment."""
    code, out, err = invoke(*arguments)
    assert (code, err) == (0, "")
    return out


def row_of(text: str, title: str) -> str:
    (line,) = [line for line in text.splitlines() if line.strip().startswith(f"{title} ")]
    return line


# What a name stands for


@pytest.mark.parametrize(
    ("name", "arm", "replicate"),
    [
        ("batch_size=32", "batch_size=32", None),
        ("d_dropout=0", "d_dropout=0.0", None),
        ("batch_size=32/3", "batch_size=32", 3),
        ("batch_size=32 / 3", "batch_size=32", 3),
        (TRIAL, "baseline", 0),
        (TRIAL[:8], "baseline", 0),
    ],
)
def test_arms_and_trials_are_found(name: str, arm: str, replicate: int | None) -> None:
    study = load_study(ROOT / STUDY)
    assert find_all([name], [study]) == [Subject(study, "cpu", arm, replicate)]


def test_a_trial_is_found_at_another_budget_and_in_another_study() -> None:
    studies = [load_study(path) for path in sorted((ROOT / "studies").glob("*.yaml"))]
    subject = find_all([TRIAL], studies)[0]
    assert (subject.budget, subject.arm) == ("cpu", "baseline")
    assert find_all(["baseline"], [load_study(ROOT / STUDY)], "smoke")[0].budget == "smoke"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "batchsize=32", STUDY], "did you mean batch_size=32?"),
        (["show", "baseline"], "in 2 studies (mnist_ablation, quickstart); name the study too"),
        (["show", "ffffffff", STUDY], '"ffffffff" is not an arm or the id of a trial here'),
        (["show", "baseline/9", STUDY], "baseline has the replicates 0 to 4; 9 is given"),
        (["show", "baseline", STUDY, "--budget", "cpus"], "did you mean cpu?"),
        (["show", "baseline", "studies/mnist.yaml"], "there is no such file"),
        (["compare", "norm=none", "batch_size=32"], "are not in one study at one budget"),
        (["compare", "baseline", "baselin", STUDY], "did you mean baseline?"),
        (["compare", "baseline", "batch_size=32", STUDY, "--save", "a.jpg"], "ends in .png"),
        (["compare", "baseline", "batch_size=32", STUDY, "--save", "no/a.png"], "no is not there"),
        (["show", TRIAL, "--open"], "is not here"),
    ],
)
def test_wrong_names_are_told_with_what_there_is(
    arguments: list[str], message: str, project: Path
) -> None:
    code, _, err = invoke(*arguments)
    assert code == 2
    assert message in " ".join(err.split())
    assert len(err.splitlines()) == 1


# show


def test_an_arm_is_shown_as_its_table_has_it(project: Path, trials: pd.DataFrame) -> None:
    text = printed("show", "batch_size=32", STUDY)
    rows = trials[trials["arm"] == "batch_size=32"]
    assert "batch_size  128  ->  32" in text
    for _, trial in rows.iterrows():
        assert f"{trial['trial_id']}  complete  ok       {trial['fid']:.1f}" in text
    mean = spread_text(rows["fid"].mean(), rows["fid"].std(ddof=1))
    line = row_of(text, "FID")
    assert f"{mean} (5)" in line
    assert line.rstrip().endswith(
        "\u00d70.729 [0.674, 0.787], p (Holm) <0.001, no verdict"
    )  # table.md
    assert "p (Holm)" not in row_of(text, "Classes covered")
    assert "mnist_classifier@2b10d602, real 5000 of 5000 train" in " ".join(text.split())


def test_losses_of_another_criterion_have_a_mark_and_no_effect(project: Path) -> None:
    text = printed("show", "criterion=least_squares", STUDY)
    assert row_of(text, "D loss, mean").rstrip().endswith("—")
    assert "‡ another criterion than that of baseline" in text
    assert re.search(
        r"saturated +644\.2 +— +D right about 100 % of real and 100 % of generated", text
    )


def test_a_trial_is_shown_beside_its_arm(project: Path, trials: pd.DataFrame) -> None:
    text = printed("show", TRIAL[:8])
    row = trials[trials["trial_id"] == TRIAL].iloc[0]
    assert text.splitlines()[:2] == [
        f"{TRIAL}: replicate 0 of the arm baseline of mnist_ablation at the budget cpu",
        "complete: ok",
    ]
    assert row_of(text, "FID").split()[:6] == ["FID", "↓", f"{row['fid']:.1f}", "179", "±", "11"]
    (curve,) = [line for line in text.splitlines() if line.startswith("  D loss  ")]
    losses = pd.read_csv(PUBLISHED / "mnist_ablation/cpu/curves.csv")
    steps = losses[(losses["trial_id"] == TRIAL) & (losses["metric"] == "d/criterion")]["value"]
    assert f"{steps.iloc[0]:.3g} -> {steps.iloc[-1]:.3g}" in curve
    assert f"(from {steps.min():.3g} to {steps.max():.3g})" in curve


def test_means_over_fewer_trials_than_the_others_say_so() -> None:
    plan = expand(load_study(ROOT / SMALL))
    trials = [trial for trial in plan.trials if trial.arm == "baseline"][:2]
    pieces = [
        pd.DataFrame(
            {"trial_id": trial.trial_id, "metric": "d/criterion", "images_seen": [640, 1280],
             "value": [1.0, 2.0 + trial.replicate], "spread": 0.1}
        )
        for trial in trials
    ]  # fmt: skip
    both = pd.concat(pieces, ignore_index=True)
    for curves, of, words in (
        (both, trials, "2 trials"), (both[:-1], trials, "up to 2 trials"),
        (both, trials[:1], "1 trial"),
    ):  # fmt: skip
        assert means_of(mean_curves(curves, of, plan).values()) == f"means of {words}"
    (curve,) = mean_curves(both[:-1], trials, plan).values()
    assert curve["mean"].tolist() == [1.0, 2.0]


def test_a_trial_that_failed_or_waits_says_so(project: Path) -> None:
    _, waiting, _ = invoke("show", "baseline/0", SMALL, "--budget", "smoke")
    assert waiting.splitlines()[1] == "pending"
    assert "metrics" not in waiting
    trial = expand(load_study(ROOT / SMALL), "smoke").trials[0]
    folder = TrialFolder(Path("runs/trials"), trial.trial_id)
    folder.open(trial)
    folder.write_failure(1, "OSError: no space", "Traceback\n")
    _, text, _ = invoke("show", trial.trial_id)
    assert text.splitlines()[1] == "failed: OSError: no space"
    assert f"runs/trials/{trial.trial_id}/traceback.txt" in text


# compare


def test_the_effect_is_that_of_the_second_against_the_first(
    project: Path, trials: pd.DataFrame
) -> None:
    text = printed("compare", "batch_size=64", "batch_size=32", STUDY)
    logs = {arm: np.log(rows["fid"]) for arm, rows in trials.groupby("arm")}
    ours, theirs = logs["batch_size=32"], logs["batch_size=64"]
    ratio = np.exp(ours.mean() - theirs.mean())
    line = row_of(text, "FID")
    assert f"\u00d7{ratio:.3f} [" in line
    # Plain Welch's: ours raises low variances towards the common one, so it is about as wide.
    plain = ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    low, high = map(float, line.split("[")[1].rstrip("]").split(", "))
    assert np.log([low, high]) == pytest.approx([plain.low, plain.high], abs=0.05)
    assert "no correction and no verdict" in " ".join(text.split())
    assert "the study's own verdict" not in text


def test_a_pair_that_the_study_compares_has_its_verdict(project: Path) -> None:
    text = " ".join(printed("compare", "batch_size=32", "baseline", STUDY).split())
    own = "the study's own verdict, by FID, of batch_size=32"
    assert f"{own}: no verdict (p, Holm: <0.001)" in text
    assert "batch_size 32 128" in text


def test_what_cannot_be_set_against_each_other_says_why(project: Path) -> None:
    text = printed("compare", "criterion=mse", "criterion=least_squares", STUDY)
    assert row_of(text, "D loss, mean").rstrip().endswith("another criterion")
    assert "\u00d7" in row_of(text, "FID")
    assert "losses each on a scale of its own" in text


def test_two_trials_have_numbers_and_no_effect(project: Path) -> None:
    text = printed("compare", "baseline/0", "baseline/1", SMALL)
    trials = pd.read_csv(PUBLISHED / "quickstart/full/trials.csv")
    numbers = trials[trials["arm"] == "baseline"]["fid"]
    assert row_of(text, "FID").split() == ["FID", "↓", *(f"{x:.2f}" for x in numbers[:2])]
    assert "none but the seeds" in text
    assert "effect" not in text


def test_the_picture_has_the_samples_of_both(project: Path) -> None:
    path = project / "pair.png"
    names = ("baseline", "norm=none")
    for trial in pd.read_csv(PUBLISHED / "quickstart/full/trials.csv").itertuples():
        if trial.arm in names and trial.replicate == 0:
            level = 200 if trial.arm == "baseline" else 90
            folder = TrialFolder(Path("runs/trials"), str(trial.trial_id))
            folder.write_samples(np.full((64, 28, 28, 1), level, np.uint8))
    assert f"drawn: {path}" in printed("compare", *names, SMALL, "--save", str(path))
    pixels = np.asarray(Image.open(path).convert("L")).astype(int)
    high, wide = pixels.shape
    left, right = pixels[: high // 2, : wide // 2], pixels[: high // 2, wide // 2 :]
    share = [[float(np.mean(abs(side - x) < 4)) for x in (200, 90)] for side in (left, right)]
    assert min(share[0][0], share[1][1]) > 0.4
    assert max(share[0][1], share[1][0]) < 0.05
    assert path.stat().st_size <= 300_000


# Said everywhere


def test_quiet_says_what_is_wrong_and_nothing_else(project: Path) -> None:
    for arguments in (["--quiet", "validate", STUDY], ["show", "baseline", SMALL, "--quiet"]):
        assert invoke(*arguments) == (0, "", "")
    code, out, err = invoke("validate", "none.yaml", "--quiet")
    assert (code, out) == (2, "")
    assert "no such file" in err
    assert invoke("status", STUDY, "--json", "--quiet")[1].startswith("[")
    assert "11 arms" in printed("validate", STUDY)


@pytest.mark.skipif(sys.platform != "linux", reason="another program opens files there")
def test_open_hands_the_page_to_what_opens_it_here(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener, seen = tmp_path / "xdg-open", tmp_path / "seen"
    opener.write_text(f'#!/bin/sh\necho "$1" > {seen}\n')
    opener.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    page = Path("results/quickstart/full/report.html")
    page.touch()
    assert f"opening {page}" in printed("show", "latent_dim=10", SMALL, "--open")
    assert seen.read_text().strip() == str(page.resolve())
    opener.write_text("#!/bin/sh\nexit 3\n")
    assert invoke("show", "latent_dim=10", SMALL, "--open")[0] == 1
