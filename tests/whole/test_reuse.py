"""What `status` says of trials of another study, of stale ones, and of earlier trainings."""

import json
import time
from pathlib import Path

import pytest

from ganablate.cli.plan import notes, status_as_json
from ganablate.files import write_json
from ganablate.gan.data import DataError, materialise
from ganablate.study.arms.identity import SEMANTICS_VERSION
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan, Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.status import plan_status
from tests.support.command import invoke

BASE_OF_BOTH = "{dataset: mnist_5k, network: mlp, latent_dim: 8, epochs: 1}"
FIRST = f"""\
study: first
base: {BASE_OF_BOTH}
ablate: {{latent_dim: [4]}}
replicates: 3
primary: fid
metrics: [fid]
"""
SECOND = FIRST.replace("first", "second").replace("latent_dim: [4]", "criterion: [mse]")


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Two studies with one baseline; the current folder is theirs."""
    monkeypatch.chdir(tmp_path)
    made = []
    for name, text in (("first", FIRST), ("second", SECOND)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        made.append(expand(load_study(path)))
    return made


def finish(trial: Trial, plan: Plan | None, fingerprint: str = "aa") -> TrialFolder:
    """As an attempt leaves it; without a plan, as one did before origins were kept."""
    folder = TrialFolder(Path("runs/trials"), trial.trial_id)
    folder.open(trial)
    facts = {"outcome": None, "data_fingerprint": fingerprint}
    if plan is not None:
        place = {"study": plan.study, "budget": plan.budget}
        facts["trained_by"] = {**place, "arm": trial.arm, "replicate": trial.replicate}
    folder.write_complete(facts)
    return folder


def card(fingerprint: str) -> None:
    write_json(Path("runs/data/mnist_5k-28/card.json"), {"fingerprint": fingerprint})


def test_a_shared_baseline_shows_who_trained_it(plans: list[Plan]) -> None:
    first, second = plans
    for trial in first.trials[:2]:
        finish(trial, first)
    finish(first.trials[2], None)  # older than the note of the origin
    finish(second.trials[3], second)
    code, out, _ = invoke("status", "second.yaml")
    assert code == 0
    assert "2 trials of arm baseline trained by study first at budget full" in out
    assert out.count("trained by") == 1
    code, out, _ = invoke("status", "first.yaml")
    assert "trained by" not in out  # its own

    code, out, _ = invoke("status", "second.yaml", "--json")
    (status,) = json.loads(out)
    states = {(t["arm"], t["replicate"]): (t["state"], t["trained_by"]) for t in status["trials"]}
    by_first = {"study": "first", "budget": "full", "arm": "baseline", "replicate": 1}
    assert states["baseline", 1] == ("complete", by_first)
    assert states["baseline", 2] == ("complete", None)
    assert states["criterion=mse", 0][1]["study"] == "second"
    assert states["criterion=mse", 1] == ("pending", None)


def test_several_arms_of_one_origin_are_one_line(plans: list[Plan]) -> None:
    first, second = plans
    for trial in second.trials[:4]:
        finish(trial, first)
    assert notes(plan_status(second, Path("runs/trials"))) == [
        "4 trials of the arms baseline (3), criterion=mse (1): trained by study first "
        "at budget full"
    ]


def test_other_bytes_are_stale_and_it_is_said_why(plans: list[Plan]) -> None:
    first, _ = plans
    finish(first.trials[0], first, "aa")
    finish(first.trials[1], first, "bb")
    _, out, _ = invoke("status", "first.yaml")
    assert "stale" not in out  # the data were not read here: nothing to compare with
    card("bb")
    _, out, _ = invoke("status", "first.yaml")
    assert "1 trial of arm baseline stale: the bytes of mnist_5k were others" in out
    _, out, _ = invoke("status", "first.yaml", "--json")
    trials = json.loads(out)[0]["trials"]
    assert [t["state"] for t in trials[:3]] == ["stale", "complete", "pending"]
    assert "the bytes of mnist_5k" in trials[0]["because"]
    assert trials[1]["because"] is None


def test_a_card_that_cannot_be_read_is_no_card(
    plans: list[Plan], caplog: pytest.LogCaptureFixture
) -> None:
    finish(plans[0].trials[0], plans[0])
    card("bb")
    Path("runs/data/mnist_5k-28/card.json").write_text('{"finger')
    code, out, _ = invoke("status", "first.yaml")
    assert code == 0
    assert "stale" not in out
    assert "card.json cannot be read" in caplog.text


def finish_earlier(trial: Trial, name: str, **changes: object) -> None:
    """As version 1 of the training left it: a folder of another name, before some settings were."""
    folder = TrialFolder(Path("runs/trials"), name)
    folder.open(trial)
    known = json.loads((folder.path / "trial.json").read_text())
    for setting in ("d_steps", "g_steps"):
        known["settings"].pop(setting)
    known |= {"semantics_version": SEMANTICS_VERSION - 1}
    known["settings"] |= changes.pop("settings", {})
    (folder.path / "trial.json").write_text(json.dumps(known | changes))
    folder.write_complete({"outcome": None})


def test_what_an_earlier_training_made_is_told_and_not_used(plans: list[Plan]) -> None:
    first, _ = plans
    finish_earlier(first.trials[0], "0" * 16)
    finish_earlier(first.trials[1], "1" * 16)
    finish(first.trials[1], first)  # trained again since
    finish_earlier(first.trials[2], "2" * 16, data_id="other data")
    finish_earlier(first.trials[3], "3" * 16, settings={"g_lr": 0.5})
    finish_earlier(first.trials[4], "4" * 16, semantics_version=SEMANTICS_VERSION)
    begun = TrialFolder(Path("runs/trials"), "5" * 16)
    finish_earlier(first.trials[5], "5" * 16)
    (begun.path / "complete.json").unlink()
    _, out, _ = invoke("status", "first.yaml")
    assert "1 trial of these settings trained by an earlier version of the training" in out
    assert "not used" in out
    _, out, _ = invoke("status", "first.yaml", "--json")
    trials = json.loads(out)[0]["trials"]
    assert [t["state"] for t in trials[:2]] == ["pending", "complete"]
    assert [t["earlier"] for t in trials] == ["0" * 16, None, None, None, None, None]


def test_status_reads_no_data_set(plans: list[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise DataError("it was read")

    monkeypatch.setattr(materialise.__module__ + ".materialise", read)
    finish(plans[0].trials[0], plans[0])
    code, out, _ = invoke("status", "first.yaml")
    assert (code, "complete" in out) == (0, True)
    assert not Path("runs/data").exists()


@pytest.mark.slow
def test_the_status_of_2000_trials_takes_about_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.fsync", lambda _: None)  # 4,000 files to make, none to lose
    levels = list(range(1, 401))
    path = tmp_path / "many.yaml"
    path.write_text(
        f"study: many\nbase: {{dataset: mnist_5k, network: mlp, latent_dim: 500, epochs: 1}}\n"
        f"ablate: {{latent_dim: {levels}}}\nreplicates: 5\nprimary: fid\nmetrics: [fid]\n"
    )
    plan = expand(load_study(path))
    assert len(plan.trials) == 2005
    for number, trial in enumerate(plan.trials):
        if number % 2:
            finish(trial, plan)
        else:  # not begun here, but by an earlier training
            finish_earlier(trial, f"{number:016d}")
    card("aa")
    began = time.process_time()
    content = status_as_json(plan_status(plan, Path("runs/trials"), {}))
    took = time.process_time() - began
    states = [trial["state"] for trial in content["trials"]]
    assert states.count("complete") == 1002
    assert sum(trial["earlier"] is not None for trial in content["trials"]) == 1003
    assert took < 2, took
