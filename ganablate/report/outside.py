"""The report of runs that another program trained: table, forest plot and page, in a folder."""

from pathlib import Path

from ganablate.files import write_text
from ganablate.report.closing import closing
from ganablate.report.figures.forest import draw_forest
from ganablate.report.figures.primary import draw_primary
from ganablate.report.files import ReportFiles, report_files
from ganablate.report.findings import Findings
from ganablate.report.frames.trials import trials_csv
from ganablate.report.page import write_page
from ganablate.report.table.render import to_latex, to_markdown
from ganablate.report.table.tables import table_csv


def write_outside(findings: Findings, folder: Path) -> ReportFiles:
    """Write everything that is made of the runs into a folder, over what was there.

    The files are those of a record, as far as there is something to show.
    """
    columns, head, notes = findings.columns, findings.head, findings.notes
    texts = {
        "trials.csv": trials_csv(findings.trials.dropna(axis=1, how="all")),
        "table.csv": table_csv(findings.table),
        "table.md": to_markdown(columns, notes, head),
        "table.tex": to_latex(columns, [*head, *notes], findings.plan.study),
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    for name, draw in (("forest", draw_forest), ("primary", draw_primary)):
        picture = folder / "figures" / f"{name}.png"
        if not draw(findings, picture):
            picture.unlink(missing_ok=True)
    write_text(folder / "report.html", write_page(findings, findings.summary, [], folder))
    lines = closing(findings, findings.summary, None, folder)
    return report_files(folder, findings.notices, findings.summary, lines)
