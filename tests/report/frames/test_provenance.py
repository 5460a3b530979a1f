"""provenance.json: what was trained, and which trials count."""

import json

from ganablate.report.frames import provenance as module
from ganablate.report.frames.provenance import provenance
from tests.support.synthetic_study import make_plan, write_trial


def test_settings_of_every_arm_are_there(tmp_path):
    plan = make_plan({"baseline": {}, "d_dropout=0.0": {"d_dropout": 0.0}}, replicates=1)
    write_trial(tmp_path, plan.trials[0], numbers={})
    facts = json.loads(json.dumps(provenance(plan, tmp_path, {}), allow_nan=False))
    settings = facts["settings"]
    assert settings["of"] == "baseline"
    assert settings["changes"] == {"baseline": {}, "d_dropout=0.0": {"d_dropout": 0.0}}
    full = plan.arms[0].config.model_dump(exclude_none=True)
    assert facts["trials"][plan.trials[0].trial_id]["seed"] == full.pop("seed")
    assert settings["full"] == full


def test_only_trials_in_the_state_complete_count(tmp_path, monkeypatch):
    plan = make_plan({"baseline": {}}, replicates=2)
    for trial in plan.trials:
        write_trial(tmp_path, trial, numbers={})
    stale = plan.trials[1]
    monkeypatch.setattr(
        module, "state_of", lambda trial, root: "stale" if trial == stale else "complete"
    )
    assert list(provenance(plan, tmp_path, {})["trials"]) == [plan.trials[0].trial_id]
