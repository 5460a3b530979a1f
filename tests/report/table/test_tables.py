"""The table of arms against hand-computed values and golden files.

`GANABLATE_UPDATE_GOLDEN=1 pytest tests/report/table/test_tables.py` rewrites tests/golden/table.*.
"""

import math
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ganablate.catalog import FLOOR, TEN_IMAGES
from ganablate.report.frames.references import NO_REFERENCES, References
from ganablate.report.table.cells import spread_text
from ganablate.report.table.render import escape_latex, escape_markdown, to_latex, to_markdown
from ganablate.report.table.tables import (
    arms_in_order,
    baseline_arm,
    judged_columns,
    of_primary,
    table_csv,
)
from ganablate.study.plan import PublishedNumber
from ganablate.trials.references import Reference
from tests.support.synthetic_study import STAMP, analysed, make_plan, numbers_of, write_trial

GOLDEN = Path(__file__).parents[2] / "golden"
METRICS = ("d_loss", "fid", "modes", "precision_recall")
ARMS = {
    "baseline": {},
    "d_dropout=0.0": {"d_dropout": 0.0},
    "criterion=mse": {"criterion": "mse"},
    "batch_size=32": {"batch_size": 32},
    "latent_dim=50": {"latent_dim": 50},
    "a|b_c&d": {"latent_dim": 20},
}
FID = {
    "baseline": [20.0, 22.0, 24.0],
    "d_dropout=0.0": [30.0, 31.0, None],  # the third has diverged
    "criterion=mse": [400.0, 420.0, 470.0],
    "batch_size=32": [25.5, 25.0, 26.25],
    "latent_dim=50": [22.0, 24.0, 20.0],  # a tie with the baseline
    "a|b_c&d": [],  # no replicate is complete
}


RECALL = {
    "baseline": [0.50, 0.52, 0.54],
    "d_dropout=0.0": [0.30, 0.31, None],
    "criterion=mse": [0.02, 0.03, 0.025],
    "batch_size=32": [0.51, 0.55, 0.48],
    "latent_dim=50": [0.30, 0.33, 0.31],
}
EXCLUDED = (("a", "too long"), ("b", "no such net"), ("c", "too long"))
APART = {
    "d_optimizer": "sgd", "d_lr": 0.1, "penalty": "r1", "penalty_weight": 10.0, "epochs": None,
    "iterations": 1000, "train_images": 2000,
}  # fmt: skip
RARE = {
    "criterion": "wasserstein", "d_steps": 5, "d_weight_clip": 0.01, "real_labels": "0.7..1",
    "d_norm": "spectral",
}  # fmt: skip


def losses(value):
    return {
        "d_loss_mean": value,
        "d_loss_lowest": value / 2,
        "d_loss_spread": 1e-5 * value,
        "d_loss_oscillation": 2e-6 * value,
    }


@pytest.fixture
def plan():
    return make_plan(ARMS, metrics=METRICS, primary=("fid", "recall"))


@pytest.fixture
def analysis(plan, tmp_path):
    for trial in plan.trials:
        if trial.replicate >= len(FID[trial.arm]):
            continue
        fid = FID[trial.arm][trial.replicate]
        measured = {} if fid is None else {"fid": fid, "modes": 9.0 + trial.replicate % 2}
        measured |= {} if fid is None else losses(0.5 + 0.125 * trial.replicate)
        if fid is not None:
            recall = RECALL[trial.arm][trial.replicate]
            measured |= {"recall": recall, "sample_precision": 0.75}
        stamp = STAMP.replace("fake 5000", "fake 1000") if trial.arm == "batch_size=32" else STAMP
        outcome = "diverged" if fid is None else "ok"
        write_trial(
            tmp_path, trial, numbers=measured, outcome=outcome, stamp=stamp,
            updates=700 if fid is None else 1950,
        )  # fmt: skip
    data = "mnist_5k 28x28"
    floor = Reference(FLOOR, "fid", 1.4875, data, STAMP, "halves of 2500")
    ten = Reference(TEN_IMAGES, "fid", 131.1288, data, STAMP, "10, repeated to 5000")
    return replace(analysed(plan, tmp_path), references=References((floor, ten)))


def rendered(analysis):
    columns, notes = analysis.columns, analysis.notes
    name = f"{analysis.plan.study}-{analysis.plan.budget}"
    return {
        "table.csv": table_csv(analysis.table),
        "table.md": to_markdown(columns, notes, analysis.head),
        "table.tex": to_latex(columns, [*analysis.head, *notes], name),
    }


@pytest.mark.parametrize("name", ["table.csv", "table.md", "table.tex"])
def test_golden(name, analysis):
    text = rendered(analysis)[name]
    if os.environ.get("GANABLATE_UPDATE_GOLDEN") == "1":
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def test_numbers_by_hand(analysis):
    table = analysis.table.set_index("arm")
    assert list(table.index) == list(ARMS)
    base, dropout, none = (table.loc[arm] for arm in ("baseline", "d_dropout=0.0", "a|b_c&d"))
    assert (base["fid"], base["fid_sd"], base["fid_n"]) == (22.0, 2.0, 3)
    assert (dropout["fid"], dropout["fid_n"], dropout["n_complete"]) == (30.5, 2, 3)
    assert dropout["fid_sd"] == pytest.approx(0.5**0.5, rel=1e-15)
    assert (dropout["n_ok"], dropout["n_diverged"]) == (2, 1)
    assert (dropout["g_updates_min"], dropout["g_updates_max"]) == (700, 1950)
    assert (none["n_complete"], none["n_planned"], none["fid_n"]) == (0, 3, 0)
    assert np.isnan(none["fid"])
    assert pd.isna(none["g_updates_min"])


def test_order_of_the_rows_does_not_matter(analysis):
    shuffled = analysis.trials.sample(frac=1, random_state=0)
    assert rendered(replace(analysis, trials=shuffled)) == rendered(analysis)


def test_mixed_execution_is_said(analysis):
    text = rendered(analysis)["table.md"]
    assert "Run on cpu in bf16." in text
    mixed = analysis.trials.copy()
    mixed.loc[0, ["device", "precision"]] = ["cuda", "fp32"]
    text = rendered(replace(analysis, trials=mixed))["table.md"]
    assert "mixes executions: cpu in bf16 (14 trials); cuda in fp32 (1 trial)." in text


def test_no_complete_trial_at_all(plan, tmp_path):
    texts = rendered(analysed(plan, tmp_path / "none"))
    assert "0 of 18 trials complete" in texts["table.md"]
    assert "0 of 3" in texts["table.md"]
    assert "nan" not in texts["table.md"] + texts["table.csv"] + texts["table.tex"]


def test_trials_that_cannot_be_judged_are_called_neither_ok_nor_anything(tmp_path):
    plan = make_plan({"baseline": {}, "g_lr=10.0": {"g_lr": 10.0}}, metrics=("fid",))
    for trial in plan.trials[:3]:
        write_trial(tmp_path, trial, numbers={"fid": 20.0}, outcome=None)
    write_trial(tmp_path, plan.trials[3], numbers={}, outcome="diverged")
    analysis = analysed(plan, tmp_path)
    table = analysis.table
    assert table["n_ok"].tolist() == [0, 0]
    assert table["n_not_assessed"].tolist() == [3, 0]
    assert table["n_diverged"].tolist() == [0, 1]
    texts = rendered(analysis)
    assert "| not assessed" in texts["table.md"]
    assert "| 1/1 diverged" in texts["table.md"]
    assert "/3 ok" not in texts["table.md"]
    assert "Not assessed: 3 (0 steps in the last fifth, 10 are needed)." in texts["table.md"]


def test_rates_are_of_the_complete_trials_and_the_ok_ones_are_summed_up_apart(tmp_path):
    plan = make_plan({"baseline": {}, "batch_size=16": {"batch_size": 16}}, replicates=4)
    ends = ["ok", "saturated", "ok", None]
    for trial in plan.trials[:4]:
        write_trial(
            tmp_path, trial, outcome=ends[trial.replicate],
            numbers={
                "fid": 20.0 + 2 * trial.replicate, "modes": 5.0 + 5 * (trial.replicate < 2),
                "recall": 0.5,
            },
        )  # fmt: skip
    table = analysed(plan, tmp_path).table
    row = table.iloc[0]
    outcomes = ["n_ok", "n_saturated", "n_collapsed", "n_diverged", "n_not_assessed"]
    assert row[outcomes].tolist() == [1, 1, 1, 0, 1]
    assert (row["fid"], row["fid_of_ok"], row["fid_of_ok_n"]) == (23.0, 20.0, 1)
    assert table.iloc[1][["n_ok", "fid_of_ok_n"]].tolist() == [0, 0]
    text = rendered(analysed(plan, tmp_path))["table.md"]
    assert "1/4 ok, 1/4 saturated, 1/4 collapsed, 1/4 not assessed" in text
    assert "FID, of those ok" in text


_LOSSES = (
    "without the penalty; spread is their standard deviation, oscillation the mean distance from "
    "one step to the next."
)
_FIFTH = "over every step of the last fifth of training"
_LOSS = {"metrics": ("d_loss",), "primary": "d_loss_mean"}


@pytest.mark.parametrize(
    ("arms", "settings", "note"),
    [
        (
            {"baseline": {}}, {"metrics": ("d_loss", "d_accuracy", "fid")},
            f"Losses and accuracies of D are taken {_FIFTH}, {_LOSSES}",
        ),
        ({"baseline": {}}, {"metrics": ("d_accuracy",)}, f"Accuracies of D are taken {_FIFTH}."),
        (
            {"baseline": {}}, {},
            "Baseline: mnist_5k, conv28 (G 32, D 16), latent 100, bce, adam lr 0.0002, batch 64, "
            "25 epochs.",
        ),
        ({"baseline": {}}, {"excluded": EXCLUDED}, "Left out: a, c (too long)."),
        ({"baseline": {}}, {"excluded": EXCLUDED}, "Left out: b (no such net)."),
        (
            {"one": APART, "other": {}}, {},
            "First arm one: mnist_5k (2,000 images), conv28 (G 32, D 16), latent 100, bce with r1 "
            "(weight 10), G adam lr 0.0002, D sgd lr 0.1, batch 64, 1,000 iterations.",
        ),
        (
            {"only": RARE}, {},
            "First arm only: mnist_5k, conv28 (G 32, D 16), latent 100, wasserstein, adam lr "
            "0.0002, batch 64, 25 epochs, 5 D steps and 1 G step an iteration, weights of D "
            "clipped to 0.01, real labels 0.7..1, spectral norm in D.",
        ),
        (
            {"baseline": {}, "b": {"d_dropout": 0.0}, "c": {"g_activation": "relu"}}, {},
            "Baseline: mnist_5k, conv28 (G 32, D 16), d_dropout 0.4, g_activation leaky_relu, "
            "latent 100, bce, adam lr 0.0002, batch 64, 25 epochs.",
        ),
        ({"a": {"criterion": "minimax"}, "b": {}}, _LOSS, "(nats for bce and minimax)"),
        (
            {"baseline": {}, "gp": {"penalty": "wgan_gp", "penalty_weight": 10, "d_norm": "batch"}},
            {}, "Advised against by Gulrajani et al. 2017, arXiv 1704.00028, section 4: wgan_gp",
        ),
    ],
)  # fmt: skip
def test_what_was_trained_and_measured_is_said(arms, settings, note, tmp_path):
    notes = analysed(make_plan(arms, **settings), tmp_path).notes
    assert any(note == line if note.endswith(".") else note in line for line in notes), notes


@pytest.mark.parametrize(
    ("arms", "settings", "absent"),
    [
        ({"baseline": {}}, {"metrics": ("fid",)}, "last fifth"),
        ({"a": {"criterion": "mse"}, "b": {"criterion": "least_squares"}}, _LOSS, "nats"),
        ({"baseline": {}, "gp": {"penalty": "wgan_gp", "penalty_weight": 10}}, {}, "Advised"),
    ],
)
def test_what_was_not_measured_is_not_said(arms, settings, absent, tmp_path):
    assert absent not in " ".join(analysed(make_plan(arms, **settings), tmp_path).notes)


@pytest.mark.parametrize("length", [8, 18, 32])
def test_blocks_are_aligned_as_wide_as_a_page_and_have_several_columns(length, tmp_path):
    plan = make_plan({"x" * length: {}, "baseline": {}})
    generator = np.random.default_rng(1)
    for trial in plan.trials:
        write_trial(tmp_path, trial, numbers=numbers_of(generator), outcome=None)
    text = rendered(analysed(plan, tmp_path))["table.md"]
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    heads = [lines[0] for lines in tables]
    assert len(heads) > 1
    assert all(head.count("|") - 2 >= 3 for head in heads)
    assert all({len(line) for line in lines} == {len(lines[0])} for lines in tables)
    assert max(map(len, heads)) <= 118
    assert "**FID ↓** |       Effect [95 %] |" in heads[0]
    assert "Complete" not in text
    assert "of those ok" not in text


def test_a_cross_that_names_its_baseline_is_marked_against_that():
    plan = make_plan({"a": {}, "b": {}})
    assert baseline_arm(plan) is None
    named = replace(plan, arms=(replace(plan.arms[0], compare_to="b"), plan.arms[1]))
    assert baseline_arm(named) is named.arms[1]
    assert [arm.name for arm in arms_in_order(named)] == ["b", "a"]


def test_escaping():
    assert escape_latex(r"a_b 50% & #1 $x$ {y} ~^ \z <|>") == (
        r"a\_b 50\% \& \#1 \$x\$ \{y\} \textasciitilde{}\textasciicircum{} \textbackslash{}z "
        r"\textless{}\textbar{}\textgreater{}"
    )
    assert escape_markdown("d_dropout=0.0|x *a* _b_ `c` <i>") == (
        r"d_dropout=0.0\|x \*a\* \_b\_ \`c\` \<i\>"
    )
    assert escape_markdown("[1.1, 2.0] <0.001 [a](b) [c][d]") == (
        r"[1.1, 2.0] <0.001 [a\](b) [c\][d]"
    )


def test_verdicts_on_two_primaries_stand_in_one_row_and_their_effects_in_the_next_blocks(analysis):
    blocks = rendered(analysis)["table.md"].split("\n\n")
    first, *others = [block for block in blocks if block.startswith("|")]
    heads = [title.strip() for title in first.splitlines()[0].split("|")[1:-1]]
    assert heads == ["Arm", "**FID ↓**", "Verdict on FID", "**Recall ↑**", "Verdict on Recall"]
    row = next(line for line in first.splitlines() if "| latent_dim=50" in line)
    cells = [cell.strip() for cell in row.split("|")]
    assert (cells[3], cells[5]) == ("equivalent", "worse")
    assert "Effect on FID [95 %] | p (Holm)" in others[0]
    assert "Effect on Recall [95 %] | p (Holm)" in others[1]
    table = analysis.table
    assert judged_columns(table, analysis.plan) == ("fid", "recall")
    assert table["recall_effect_scale"].dropna().unique().tolist() == ["difference"]
    view = of_primary(table, analysis.plan, "recall").set_index("arm")
    assert view.loc["latent_dim=50", "verdict"] == "worse"
    assert "recall_verdict" not in view
    of_fid = of_primary(table, analysis.plan, "fid").set_index("arm")
    assert of_fid.loc["latent_dim=50", "verdict"] == "equivalent"
    assert not any(name.startswith("recall_effect") for name in of_fid)


def test_a_primary_metric_that_was_never_measured_has_no_effects_and_changes_no_p(analysis):
    trials = analysis.trials.assign(recall=np.nan)
    without = replace(analysis, trials=trials)
    alone = replace(analysis, plan=replace(analysis.plan, primaries=("fid",)))
    assert judged_columns(without.table, without.plan) == ("fid",)
    assert without.effects.by_arm == alone.effects.by_arm
    text = rendered(without)["table.md"]
    assert "Verdict " in next(line for line in text.splitlines() if line.startswith("|"))
    assert "Verdict on" not in text
    assert "**Recall ↑**" not in text
    assert list(without.head)[-1] == "Recall, also primary, was not measured in these trials."


def test_effects_stand_behind_the_only_primary(analysis):
    analysis = replace(analysis, plan=replace(analysis.plan, primaries=("fid",)))
    texts = rendered(analysis)
    row = next(line for line in texts["table.md"].splitlines() if "| criterion=mse" in line)
    assert [cell.strip() for cell in row.split("|")][3:6] == [
        "×19.6 [16.0, 23.8]", "<0.001", "worse",  # noqa: RUF001
    ]  # fmt: skip
    assert r"$\times$19.6 [16.0, 23.8] & \textless{}0.001 & worse" in texts["table.tex"]
    assert "Compared to" not in texts["table.md"]
    table = analysis.table.set_index("arm")
    assert table.loc["baseline", "effect":"verdict"].isna().all()
    assert table.loc["batch_size=32", "compared_to":"verdict"].isna().all()  # another protocol


def test_what_an_arm_is_compared_with_is_shown_where_it_differs(analysis, plan):
    arms = [replace(a, compare_to="criterion=mse") if a.name == "latent_dim=50" else a
            for a in plan.arms]  # fmt: skip
    elsewhere = replace(analysis, plan=replace(plan, arms=tuple(arms)))
    text = rendered(elsewhere)["table.md"]
    block = next(block for block in text.split("\n\n") if "Compared to" in block)
    row = next(line for line in block.splitlines() if "| latent_dim=50" in line)
    assert "| criterion=mse |" in row
    # Of what it is compared with ten repeated images tell that it does not work.
    assert "The arm criterion=mse does not work: FID 430 (up to " in " ".join(text.split())
    assert "| better " not in text
    text = rendered(replace(elsewhere, references=NO_REFERENCES))["table.md"]
    assert "| better " in text
    assert "Effects are against the arm compared with" in " ".join(text.split())


def test_a_cross_without_baseline_has_no_effects(analysis, plan):
    arms = tuple(replace(arm, compare_to=None) for arm in plan.arms)
    texts = rendered(replace(analysis, plan=replace(plan, arms=arms)))
    assert "ffect" not in texts["table.md"] + texts["table.csv"]
    lines = texts["table.md"].splitlines()
    head = next(line for line in lines if line.startswith("|")).split("|")[1:6]
    assert [title.strip() for title in head] == [
        "Arm", "Complete", "Updates", "**FID ↓**", "**Recall ↑**",
    ]  # fmt: skip


def published(arm, metric, value, name=None):
    return PublishedNumber(arm, metric, name or metric, value, "one run", "R2 table 2")


def test_published_numbers_stand_beside_ours_and_are_not_compared(tmp_path):
    plan = make_plan({"baseline": {}, "a": {"latent_dim": 10}}, metrics=("d_loss", "fid"))
    numbers = (
        published("a", "d_loss_lowest", 1.8072e-27),
        published("a", "d_loss_mean", 0.0034),
        published("baseline", "d_loss_mean", 69.542),
        published("a", None, 1_486_352, "parameters of G"),
    )
    plan = replace(plan, published=numbers)
    table = analysed(plan, tmp_path).table
    assert table["d_loss_mean_published"].tolist() == [69.542, 0.0034]
    assert table["d_loss_lowest_published"].tolist()[1] == 1.8072e-27
    assert [name for name in table if name.endswith("_published")] == [
        "d_loss_mean_published",
        "d_loss_lowest_published",
    ]
    lines = rendered(analysed(plan, tmp_path))["table.md"]
    row = next(line for line in lines.splitlines() if line.startswith("| a ") and "0.0034" in line)
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[cells.index("0.0034") - 1] == "—"  # ours, which is missing, stands before it
    assert "1.8072×10^-27" in lines  # noqa: RUF001
    assert "D loss, mean, published" in lines
    assert "Published: as printed in R2 table 2 (one run); not comparable" in lines
    assert "Published in R2 table 2 (one run): parameters of G 1486352 (a)." in lines


CLIPPED = {"criterion": "wasserstein", "d_weight_clip": 0.01}


@pytest.mark.parametrize(
    ("arms", "marked"),
    [
        # A cross without a baseline is marked against its first arm.
        ({"criterion=mse": {"criterion": "mse"}, "criterion=bce": {}}, ["criterion=bce"]),
        (
            {"baseline": CLIPPED, "gp": {"criterion": "wasserstein"}, "same": CLIPPED},
            ["gp"],
        ),
    ],
)
def test_losses_of_another_criterion_or_clip_are_on_another_scale(arms, marked, tmp_path):
    plan = make_plan(arms, metrics=("d_loss", "fid"))
    for trial in plan.trials:
        write_trial(tmp_path, trial, numbers=numbers_of(np.random.default_rng(0)))
    table = analysed(plan, tmp_path).table.set_index("arm")
    assert list(table.index) == list(arms)
    marks = table["d_loss_mean_mark"].dropna()
    assert list(marks.index) == marked
    assert set(marks) == {"criterion"}


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (21.3149, 0.8871, "21.31 ± 0.89"),
        (419.4, 39.2, "419 ± 39"),
        (0.69314, 0.0996, "0.69 ± 0.10"),
        (12345.6, 234.5, "12350 ± 230"),
        (-0.004, 0.25, "0.00 ± 0.25"),
        (-1.26, 0.3, "-1.26 ± 0.30"),
        (10.0, 0.0, "10 ± 0"),
        (9.8765432, 0.0, "9.877 ± 0"),
        (21.30187, math.nan, "21.30"),
        (0.5, math.nan, "0.5"),
        (0.0, math.nan, "0"),
        (0.0, 0.0, "0 ± 0"),
        (1.234e-5, 2.1e-7, "(1.234 ± 0.021)\u00d710^-5"),
        (3.5e7, 1.2e6, "(3.50 ± 0.12)\u00d710^7"),
        (2.0e-9, math.nan, "2\u00d710^-9"),
    ],
)
def test_digits_of_a_mean_follow_its_spread(mean, sd, text):
    assert spread_text(mean, sd) == text


DOCUMENT = r"""\documentclass{article}
\usepackage{booktabs}
\usepackage[T1]{fontenc}
\begin{document}
\input{table}
\end{document}
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex is installed")
def test_the_table_compiles(tmp_path):
    shutil.copy(GOLDEN / "table.tex", tmp_path / "table.tex")
    (tmp_path / "document.tex").write_text(DOCUMENT)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
    assert (tmp_path / "document.pdf").stat().st_size > 10_000
