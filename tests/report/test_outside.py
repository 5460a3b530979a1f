"""`report --trials`: the report of a csv file that another program wrote."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from tests.support.command import invoke

ARMS = {"full": 12.0, "no R1": 30.0, "thin": 12.2}
ASKED = ("--baseline", "full", "--higher", "clarity")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `gan.csv` and its report."""
    place = tmp_path_factory.mktemp("elsewhere")
    generator = np.random.default_rng(5)
    rows = ["arm,replicate,FID,clarity"]
    for arm, fid in ARMS.items():
        for replicate in range(4):
            noise, clarity = map(float, generator.normal(size=2))
            rows.append(f"{arm},{replicate},{fid * math.exp(0.05 * noise)},{clarity}")
    (place / "gan.csv").write_text("\n".join([*rows, "once,0,20.0,", ""]))
    before = Path.cwd()
    os.chdir(place)
    try:
        code, out, err = invoke("report", "--trials", "gan.csv", *ASKED)
    finally:
        os.chdir(before)
    assert (code, err) == (0, "")
    assert "once" in out
    return place


def test_effects_and_verdicts_are_those_of_welch_and_holm(folder: Path) -> None:
    runs = pd.read_csv(folder / "gan.csv")
    logs = {arm: np.log(rows["FID"]) for arm, rows in runs.groupby("arm")}
    p = {
        arm: ttest_ind(logs[arm], logs["full"], equal_var=False).pvalue for arm in ("no R1", "thin")
    }
    table = pd.read_csv(folder / "results/gan/table.csv").set_index("arm")
    assert list(table.index) == ["full", "no R1", "thin", "once"]
    low, high = sorted(p, key=p.__getitem__)
    assert table.loc[low, "effect_p"] == pytest.approx(2 * p[low], rel=1e-9)
    assert table.loc[high, "effect_p"] == pytest.approx(max(p[high], 2 * p[low]), rel=1e-9)
    assert table.loc["no R1", "verdict"] == "worse"
    assert table.loc["once", "verdict"] == "one replicate"
    assert table.loc["once", "clarity_n"] == 0


def test_what_is_not_known_is_said_once_and_has_no_section(folder: Path) -> None:
    result = folder / "results" / "gan"
    page, table = ((result / name).read_text() for name in ("report.html", "table.md"))
    for text in (page, table):
        assert "Trained elsewhere" in text
        assert "not assessed" not in text
    for absent in ('id="outcomes"', "Losses", "ganablate ui", "curves.csv", "budget"):
        assert absent not in page
    assert not [line for line in table.splitlines() if "unknown" in line or "Updates" in line]
    figures = sorted(path.name for path in (result / "figures").iterdir())
    assert figures == ["forest.png", "primary.png"]
    assert list(pd.read_csv(result / "trials.csv")) == [
        "trial_id", "arm", "replicate", "state", "fid", "clarity",
    ]  # fmt: skip
    assert not (folder / "runs").exists()


def test_it_is_json_on_request_and_lies_where_one_wants_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("report", "--trials", str(folder / "gan.csv"), *ASKED, "--out", "here", "--json")
    code, out, _ = invoke(*arguments)
    (report,) = json.loads(out, parse_constant=pytest.fail)
    assert (code, (tmp_path / "here" / "report.html").exists()) == (0, True)
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    found = report["arms"][1]
    assert (found["arm"], found["reach"], found["outcomes"]["not_assessed"]) == ("no R1", None, 4)
    assert found["metrics"]["fid"]["against"]["verdict"] == "worse"
    assert found["metrics"]["fid"]["protocol"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--trials", "none.csv"), "none.csv: there is no such file"),
        (("--trials", "gan.csv"), "--baseline: which arm"),
        (("--trials", "gan.csv", *ASKED, "--out", "results"), "holds records of studies"),
        (("--trials", "results/gan/trials.csv", *ASKED, "--out", "results/gan"), "written over"),
        (("--trials", "gan.csv", *ASKED, "--published"), "without a study"),
        (("--trials", "gan.csv", "--mlflow", "x"), "not both"),
        (("--mlflow", "x"), "--arm-from: what names"),
        (("--mlflow", "x", "--arm-from", "arm"), "neither params.NAME nor tags.NAME"),
        (("--mlflow", "x", "--arm-from", "params.arm"), "where is the experiment?"),
        (("--baseline", "full"), "only for the runs of --trials or --mlflow"),
    ],
)
def test_wrong_options_are_a_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    code, _, err = invoke("report", *arguments)
    assert code == 2
    assert message in " ".join(err.split())
    assert len(err.splitlines()) == 1
