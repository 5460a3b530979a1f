"""`report --trials` and `report --mlflow`: reports of runs that another program trained."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganablate.cli.console import output, print_json, refuse
from ganablate.project.folders import HERE
from ganablate.study.reading.errors import one_line

if TYPE_CHECKING:
    from ganablate.report.frames.outside import OutsideRun

RunsFile = Annotated[
    Path | None,
    typer.Option(
        "--trials",
        metavar="CSV",
        help="Report runs that another program trained: columns arm, replicate, and numbers.",
    ),
]
Experiment = Annotated[
    str | None, typer.Option("--mlflow", help="The same of the runs of an MLflow experiment.")
]
ArmFrom = Annotated[
    str | None,
    typer.Option(
        "--arm-from", metavar="params.NAME|tags.NAME", help="What names the arm of an MLflow run."
    ),
]
OtherStore = Annotated[
    str | None,
    typer.Option("--tracking-uri", help="The store of --mlflow; else $MLFLOW_TRACKING_URI."),
]
Baseline = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline", help="The arm that such runs are compared with; else the one called baseline."
    ),
]
Primaries = Annotated[
    list[str] | None,
    typer.Option(
        "--primary",
        help="A number that their verdicts are about, repeatable; else fid, kid or the first that "
        "has a direction.",
    ),
]
Lower = Annotated[
    list[str] | None, typer.Option("--lower", help="A number that is better lower; repeatable.")
]
Higher = Annotated[
    list[str] | None, typer.Option("--higher", help="A number that is better higher; repeatable.")
]
Out = Annotated[
    Path | None, typer.Option("--out", help="The folder of their report; else results/NAME/.")
]


@dataclass(frozen=True)
class Outside:
    """What the options say of runs from elsewhere."""

    trials: Path | None
    mlflow: str | None
    arm_from: str | None
    tracking_uri: str | None
    baselines: Sequence[str] | None
    primaries: Sequence[str] | None
    lower: Sequence[str] | None
    higher: Sequence[str] | None
    out: Path | None

    @property
    def is_given(self) -> bool:
        """Whether there are such runs; options that are for them alone are refused without."""
        if self.trials is not None or self.mlflow is not None:
            return True
        if any(value is not None for value in vars(self).values()):
            options = "--arm-from, --tracking-uri, --baseline, --primary, --lower, --higher, --out"
            refuse([f"{options}: only for the runs of --trials or --mlflow"])
        return False


def report_outside(given: Outside, *, as_json: bool) -> None:
    """Write the report of the runs, and print what a terminal shows of it, or all as JSON."""
    from ganablate.report.facts import report_facts
    from ganablate.report.findings import Findings
    from ganablate.report.frames.outside import Asked, outside_trials
    from ganablate.report.outside import write_outside

    try:
        name, runs, notices = _runs(given)
        folder = _folder(given, name)
        asked = Asked(
            given.baselines or (), given.primaries or (), given.lower or (), given.higher or ()
        )
        design, trials, more = outside_trials(name, runs, asked)
    except ValueError as error:
        refuse(str(error).splitlines())
    findings = Findings(design, trials, notices=(*notices, *more))
    files = write_outside(findings, folder)
    for notice in findings.notices:
        output.warning(notice)
    output.report(files)
    if as_json:
        print_json([report_facts(findings)])


def _runs(given: Outside) -> "tuple[str, list[OutsideRun], list[str]]":
    """The name of the runs, the runs, and lines that a person should see."""
    from ganablate.report.frames.outside import OutsideRun
    from ganablate.report.frames.outside_csv import read_runs

    if given.mlflow is None:
        assert given.trials is not None
        return given.trials.stem, *read_runs(given.trials)
    if given.trials is not None:
        refuse(["--trials and --mlflow: one of them is needed, not both"])
    if given.arm_from is None:
        refuse(["--arm-from: what names the arm of a run? Such as params.arm, or tags.arm"])
    from ganablate.tracking.other_runs import other_runs

    found, notices = other_runs(given.mlflow, given.arm_from, given.tracking_uri)
    # Their order is no replicate that arms share, so no number is given twice.
    runs = [OutsideRun(x.id, one_line(x.arm), n, x.numbers, x.state) for n, x in enumerate(found)]
    return re.sub(r"[^\w.=+-]+", "_", given.mlflow).strip("_.") or "mlflow", runs, notices


def _folder(given: Outside, name: str) -> Path:
    """Where the report goes: never over the record of a study, or over what was read."""
    folder = given.out or HERE.results / name
    if (folder / "looks.csv").exists() or any(
        path for depth in ("*", "*/*") for path in folder.glob(f"{depth}/trials.csv")
    ):
        raise ValueError(f"{folder}/ holds records of studies; name another folder: --out FOLDER")
    copy = folder / "trials.csv"
    if given.trials is not None and copy.exists() and copy.samefile(given.trials):
        raise ValueError(f"{copy} would be written over; name another folder: --out FOLDER")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out: {folder} is a file")
    return folder
