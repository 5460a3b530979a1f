"""What `prune` and a profile's `keep` remove, and what stays."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan, Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import WeightsError, check_weights, not_measurable
from ganablate.trials.prune import Pruning, prune
from ganablate.trials.weights import Keep, keep_only, networks_in
from tests.support.command import invoke
from tests.support.held_trial import held_trial
from tests.support.tiny_study import write_tiny

NETS = {
    "generator.layer1.weight": np.arange(600, dtype=np.float32),
    "generator_ema.layer1.weight": np.arange(600, dtype=np.float32),
    "discriminator.layer1.weight": np.arange(4000, dtype=np.float32),
}
ROOT = Path("runs/trials")


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    return write_tiny(replicates=1)


def finish(trial: Trial) -> TrialFolder:
    folder = TrialFolder(ROOT, trial.trial_id)
    folder.open(trial)
    folder.write_losses({"d/criterion": np.ones(9, np.float32)})
    folder.write_samples(np.zeros((64, 28, 28, 1), np.uint8))
    folder.add_metrics(["fid"], {"fid": 9.5}, {"fid": "p"})
    save_file(NETS, folder.weights)
    folder.write_complete({"outcome": None, "data_fingerprint": "aa"})
    return folder


def everything() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def size(folder: TrialFolder) -> int:
    return sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())


def test_a_generator_stays_with_its_average_and_its_bytes(plan: Plan) -> None:
    folder = finish(plan.trials[0])
    before = size(folder)
    freed = keep_only(folder.weights, "generator")
    assert freed == before - size(folder) >= 16_000
    kept = load_file(folder.weights)
    assert kept.keys() == {"generator.layer1.weight", "generator_ema.layer1.weight"}
    for name, values in kept.items():
        np.testing.assert_array_equal(values, NETS[name])
    assert keep_only(folder.weights, "generator") == 0
    assert keep_only(folder.weights, "none") > 4_800
    assert not folder.weights.exists()
    assert keep_only(folder.weights, "none") == 0


@pytest.mark.parametrize("keep", ["weights", "generator", "none"])
def test_numbers_samples_and_losses_stay(plan: Plan, keep: Keep) -> None:
    folder = finish(plan.trials[0])
    old = everything()
    code, out, _ = invoke("prune", "tiny.yaml", "--keep", keep)
    assert code == 0
    new = everything()
    weights = str(folder.path / "weights.safetensors")
    gone = {"weights": set(), "generator": set(), "none": {weights}}[keep]
    assert old.keys() - new.keys() == gone
    for name in new.keys() & old.keys() - {weights}:
        assert new[name] == old[name]
    freed = len(old[weights]) - len(new.get(weights, b""))
    assert out.split(" freed")[0] == ("0 kB" if keep == "weights" else f"{freed / 1e3:.0f} kB")


def test_a_dry_run_says_it_and_removes_nothing(plan: Plan) -> None:
    folder = finish(plan.trials[0])
    size_then = folder.weights.stat().st_size
    before = everything()
    _, out, _ = invoke("prune", "tiny.yaml", "--keep", "none", "--dry-run")
    assert f"{size_then / 1e3:.0f} kB would be freed: weights" in out
    _, out, _ = invoke("prune", "tiny.yaml", "--keep", "generator", "--dry-run")
    assert "16 kB would be freed" in out
    assert {k: v for k, v in everything().items() if ".locks" not in k} == before


def test_leftovers_go_and_the_checkpoints_of_unfinished_trials_stay(plan: Plan) -> None:
    done, begun = finish(plan.trials[0]), TrialFolder(ROOT, plan.trials[1].trial_id)
    begun.open(plan.trials[1])
    for folder in (done, begun):
        folder.write_checkpoint(5, lambda path: path.write_bytes(b"s" * 3000), {"points": {}})
        (folder.path / ".weights.safetensors.ab12").write_bytes(b"w" * 2000)
        (folder.path / "checkpoints" / ".writing-x").mkdir()
        (folder.path / "checkpoints" / ".writing-x" / "state.pt").write_bytes(b"w" * 1000)
        inside = folder.path / "checkpoints" / ".writing-x" / ".state.pt.cd34.pt"
        inside.write_bytes(b"w" * 500)
    save_file(NETS, begun.weights)  # of an end that was cut off
    ids = {trial.trial_id for trial in plan.trials}
    told = prune(ROOT, ids, Pruning(keep="none", dry_run=True))
    freed = prune(ROOT, ids, Pruning(keep="none"))
    assert freed.bytes["leftovers"] == told.bytes["leftovers"] == 2 * 3500 + 3000
    assert done.states() == []
    assert len(done.blocks()) == 1
    assert len(begun.states()) == 1
    assert begun.weights.exists()
    assert not [path for path in ROOT.rglob(".*") if path.name != ".locks"]


def test_other_budgets_are_named_and_other_studies_are_not(plan: Plan) -> None:
    smoke = expand(load_study(Path("tiny.yaml")), "smoke")
    other = write_tiny(name="other", ablate="[5]", replicates=1)
    baseline, of_smoke, foreign = (
        finish(trial) for trial in (plan.trials[0], smoke.trials[1], other.trials[1])
    )
    aside = finish(plan.trials[1]).retire()
    invoke("prune", "tiny.yaml", "--keep", "none")
    assert not baseline.weights.exists()
    assert not of_smoke.weights.exists()
    assert foreign.weights.exists()
    assert aside.exists()
    code, out, _ = invoke("prune", "tiny.yaml", "--retired", "--budget", "smoke")
    assert (code, aside.exists()) == (0, True)  # it is of the budget full
    _, out, _ = invoke("prune", "tiny.yaml", "--retired")
    assert "put aside" in out
    assert not aside.exists()
    assert foreign.path.exists()
    code, _, err = invoke("prune", "tiny.yaml", "--unnamed", "--budget", "smoke")
    assert (code, "drop --budget" in err) == (2, True)
    invoke("prune", "tiny.yaml", "other.yaml", "--unnamed")
    assert foreign.path.exists()
    _, out, _ = invoke("prune", "tiny.yaml", "--unnamed")
    assert "not named" in out
    assert not foreign.path.exists()
    assert baseline.complete is not None


def test_a_trial_that_is_being_run_is_left_alone(plan: Plan) -> None:
    folders = [finish(trial) for trial in plan.trials[:2]]
    with held_trial(folders[0]):
        code, _, err = invoke("prune", "tiny.yaml", "--keep", "none", "--unnamed", "--retired")
    assert code == 0
    assert err.strip() == f"left alone: {folders[0].trial_id}: a process works on it"
    assert folders[0].weights.exists()
    assert not folders[1].weights.exists()


def test_what_lacks_weights_says_what_to_do(plan: Plan) -> None:
    folder = finish(plan.trials[0])
    probes = ["walk", "walk-1a2b3c4d"]  # the second as from the source of a plug-in
    everything_wanted = ["d_loss", "fid", "fid.inception", *probes]
    assert not_measurable(folder, everything_wanted) == []
    keep_only(folder.weights, "generator")
    assert not_measurable(folder, everything_wanted) == probes
    check_weights(folder, ["d_loss", "fid"])
    keep_only(folder.weights, "none")
    assert not_measurable(folder, everything_wanted) == ["fid", "fid.inception", *probes]
    check_weights(folder, ["d_loss"])
    with pytest.raises(WeightsError) as caught:
        check_weights(folder, ["d_loss", "fid"])
    message = str(caught.value)
    assert message.startswith(
        f"fid cannot be measured: the weights of trial {folder.trial_id} were"
    )
    assert f"run STUDY --force {folder.trial_id}" in message
    folder.weights.write_bytes(b"half a fi")
    assert networks_in(folder.weights) == frozenset()
    with pytest.raises(WeightsError, match="are damaged"):
        check_weights(folder, ["fid"])
    folder.write_complete({"outcome": "diverged"})
    assert not_measurable(folder, everything_wanted) == []  # there is nothing to measure


def test_an_unknown_keep_is_refused(plan: Plan) -> None:
    code, _, err = invoke("prune", "tiny.yaml", "--keep", "generators")
    assert code == 2
    assert "generator" in err
    code, out, _ = invoke("prune", "tiny.yaml")
    assert (code, out.strip()) == (0, "0 kB freed")
    assert json.dumps(sorted(everything())) == '["tiny.yaml"]'
