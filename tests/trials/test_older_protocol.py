"""A trial that was measured by an older protocol is measured again, if it can be."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ganablate.catalog import stored_name, weights_stamp
from ganablate.study.plan import Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, missing, needs_run
from tests.support.synthetic_study import make_plan

REST = ", real 5000 of 5000 train, fake 5000, 28x28 bilinear, float64, running statistics"
NOW, OLDER = weights_stamp("mnist_classifier") + REST, "mnist_classifier@2b10d600" + REST
MEASURED = ("d_loss", "fid", "modes", "arithmetic")


@pytest.fixture
def trial() -> Trial:
    return make_plan({"baseline": {}}, replicates=1).trials[0]


def measured(root: Path, trial: Trial, **protocols: str) -> TrialFolder:
    """A complete trial whose `fid` and `modes` have these protocols."""
    folder = TrialFolder(root, trial.trial_id)
    folder.open(trial)
    numbers = {"d_loss_mean": 1.0, "fid": 9.5, "modes": 10.0, "arithmetic_hits": 0.5}
    folder.add_metrics(MEASURED, numbers, {"d_loss_mean": "every step", **protocols})
    folder.write_complete({"outcome": None})
    return folder


def keep_weights(folder: TrialFolder, *networks: str) -> None:
    save_file({f"{name}.weight": np.zeros(2, np.float32) for name in networks}, folder.weights)


def test_older_numbers_are_missing_where_weights_were_kept(tmp_path: Path, trial: Trial) -> None:
    folder = measured(tmp_path, trial, fid=OLDER, modes=NOW, arithmetic_hits=f"by {OLDER[:25]}; 10")
    wanted = Measurements(MEASURED)
    assert missing(trial, tmp_path, MEASURED) == []
    assert not needs_run(trial, wanted, tmp_path, {})
    keep_weights(folder, "generator")
    assert missing(trial, tmp_path, MEASURED) == ["fid"]
    assert needs_run(trial, wanted, tmp_path, {})
    keep_weights(folder, "generator", "discriminator")
    assert missing(trial, tmp_path, MEASURED) == ["fid", "arithmetic"]
    folder.add_metrics(["fid"], {"fid": 8.0}, {"fid": NOW})
    assert missing(trial, tmp_path, MEASURED[:3]) == []


def test_so_are_numbers_of_a_named_extractor(tmp_path: Path, trial: Trial) -> None:
    name = stored_name("fid", "inception")
    folder = measured(tmp_path, trial, fid=NOW, modes=NOW)
    folder.add_metrics([name], {name: 9.0}, {name: "inception@00000000" + REST})
    keep_weights(folder, "generator")
    assert missing(trial, tmp_path, ["fid", name]) == [name]
