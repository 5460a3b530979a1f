"""What a terminal shows at the end: the head of the table, and what it means, on one screen."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest

from ganablate.report.build import build_report
from ganablate.report.closing import MOST_LINES, WIDTH
from ganablate.report.closing import closing as closing_of
from ganablate.study.claims.claims import Claim
from tests.support.synthetic_study import (
    analysed,
    make_plan,
    numbers_of,
    write_all,
    write_trial,
)

CLAIM = Claim.model_validate(
    {"id": "R9.1", "says": "worse", "compare": {"arm": "d_dropout=0.0", "is": "worse"}}
)


def closing(folder, arms, *, replicates=3, claims=(), **settings):
    plan = replace(make_plan(arms, replicates=replicates), claims=claims)
    for trial in plan.trials:
        numbers = numbers_of(np.random.default_rng(int(trial.trial_id[:8], 16)))
        write_trial(folder / "trials", trial, numbers=numbers, **settings)
    return build_report(plan, trials_root=folder / "trials", results_root=folder / "r").closing


FOUR = {"baseline": {}, "d_dropout=0.0": {}, "criterion=mse": {}, "latent_dim=10": {}}


def test_four_arms_fit_a_screen_with_room_for_the_next_commands(tmp_path):
    lines = closing(tmp_path, FOUR, claims=(CLAIM,))
    assert all(len(line) <= WIDTH for line in lines[:-1])  # the last has the folder's name
    assert len(lines) <= 24 - 3
    assert lines[0] == "mnist_ablation at the budget cpu: 12 of 12 trials complete"
    assert " ".join(lines[1].split()) == "arm FID ↓ Effect [95 %] p Verdict Outcomes"
    assert [line.split()[0] for line in lines[2:6]] == list(FOUR)
    assert lines[2].endswith("3/3 ok")
    text = " ".join(lines[6:])
    assert "mean ± standard deviation of 3; effect: ratio to the baseline; p: Holm's over 3" in text
    assert "1 claimed sentence" in text
    assert f"page: {(tmp_path / 'r').as_posix()}/mnist_ablation/cpu/report.html" in lines[-1]


def test_names_that_are_too_long_are_cut_and_rows_stay_in_line(tmp_path):
    long = "g_activation=leaky_relu,d_activation=leaky_relu,criterion=least_squares"
    lines = closing(tmp_path, {"baseline": {}, long: {}})
    assert all(len(line) <= WIDTH for line in lines[:4])
    assert lines[3].partition(" ")[0].endswith("…")
    assert lines[2].index("3/3") == lines[3].index("3/3")


def test_many_arms_are_cut_and_the_text_below_is_not_longer(tmp_path):
    arms = {"baseline": {}} | {f"latent_dim={n}": {"latent_dim": n} for n in range(2, 40)}
    lines = closing(tmp_path, arms, replicates=2)
    assert "and 9 more arms in table.md" in lines
    assert len(lines) - lines.index("and 9 more arms in table.md") - 1 <= MOST_LINES


@pytest.mark.parametrize("outcome", ["ok", None])
def test_one_replicate_has_no_spread_and_no_p(tmp_path, outcome):
    text = "\n".join(closing(tmp_path, FOUR, replicates=1, outcome=outcome))
    assert "one trial an arm" in text
    assert "Holm" not in text


def test_a_cross_without_a_baseline_has_no_effects(tmp_path):
    lines = closing(tmp_path, {"a": {}, "b": {"latent_dim": 20}})
    assert lines[1].split()[:2] == ["arm", "FID"]
    assert "Effect" not in "\n".join(lines)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_on_a_narrow_screen_every_number_and_verdict_is_whole(tmp_path, monkeypatch, width):
    plan = make_plan(FOUR)
    analysis = analysed(plan, write_all(plan, tmp_path, samples=False))
    wide = closing_of(analysis, analysis.summary, None, tmp_path)
    monkeypatch.setenv("COLUMNS", str(width))
    lines = closing_of(analysis, analysis.summary, None, tmp_path)
    assert all(len(line) <= width for line in lines[1:-1])  # the last is a path
    cells = (line.split()[1:] for line in wide[2:6])
    assert set(chain.from_iterable(cells)) <= set(" ".join(lines).split())
