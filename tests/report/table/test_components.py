"""A component that the study removes is a column of ticks, in every format of the table."""

import re
from dataclasses import replace

from ganablate.report.page import write_page
from ganablate.report.table.render import to_latex, to_markdown
from ganablate.report.table.tables import table_csv
from tests.support.synthetic_study import analysed, make_plan

ARMS = {"baseline": {}, "without-drop": {"d_dropout": 0.0}, "without-norm": {"g_norm": "batch"}}


def test_ticks_stand_behind_the_arms(run_all, tmp_path):
    components = {"drop": ("without-drop",), "norm": ("without-norm",)}
    plan = replace(make_plan(ARMS), components=components)
    analysis = analysed(plan, run_all(plan))
    arm, drop, norm, *_ = analysis.columns
    assert arm.key == "arm"
    assert [(c.title, [cell.text for cell in c.cells]) for c in (drop, norm)] == [
        ("drop", ["✓", "–", "✓"]), ("norm", ["✓", "✓", "–"]),  # noqa: RUF001 - a dash
    ]  # fmt: skip
    notes = [note for note in analysis.notes if note.startswith("✓")]
    assert len(notes) == 1
    assert "drop (d_dropout 0.0); norm (g_norm batch)" in notes[0]
    markdown = to_markdown(analysis.columns, notes)
    assert re.search(r"^\| without-drop +\|  –   \|  ✓   \| ", markdown, re.M)  # noqa: RUF001
    assert re.search(r"^\| -+ \| :--: \| :--: \| ", markdown, re.MULTILINE)
    latex = to_latex(analysis.columns, notes, "x")
    assert r"without-norm & $\checkmark$ & -- & " in latex
    assert r"\begin{tabular}{lccr" in latex
    assert "amssymb" in latex.splitlines()[0]
    page = write_page(analysis, (), (), tmp_path)
    assert re.findall(r'<td class="center" data-sort="(\d)">(.)</td>', page) == [
        ("1", "✓"), ("1", "✓"), ("0", "–"), ("1", "✓"), ("1", "✓"), ("0", "–"),  # noqa: RUF001
    ]  # fmt: skip
    assert "without-drop,3,3" in table_csv(analysis.table), "the numbers are as ever"
