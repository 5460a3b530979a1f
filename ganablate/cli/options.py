"""Arguments and options of the commands that take studies, and what a shell offers for them."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ganablate.project.folders import HERE
from ganablate.study.arms.grid import MOST_UNASKED
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plugins import load_plugins
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import MOST_REPLICATES, Study


def _study_files(incomplete: str) -> list[str]:
    """Study files that begin so: those in studies/, and whatever lies elsewhere."""
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    files = {str(path) for place in (HERE.studies, folder) for path in place.glob("*.yaml")}
    return sorted(name for name in files if name.startswith(incomplete))


def _budget_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Budgets of the studies on the line."""
    names = (name for study in _studies(ctx, ()) for name in study.budget_names)
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _arm_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Arms of the studies on the line, else of all in studies/, at the budget on the line."""
    budget = ctx.params.get("budget")
    studies = _studies(ctx, HERE.study_files)
    plans = [expand(each, budget if budget in each.budget_names else None) for each in studies]
    names = dict.fromkeys(arm.name for plan in plans for arm in plan.arms)
    return [name for name in names if name.startswith(incomplete)]


def _studies(ctx: typer.Context, usual: Sequence[Path]) -> list[Study]:
    given = ctx.params.get("studies") or ctx.params.get("study")
    if given is None:  # an option that still waits for its value keeps arguments from being read
        given = [word for word in ctx.args if word.endswith((".yaml", ".yml"))] or usual
    studies = []
    for path in [given] if isinstance(given, str | Path) else given:
        with contextlib.suppress(StudyError):  # half a line is no time to tell mistakes
            studies.append(load_study(Path(path)))
    return studies


def _load_plugins(modules: list[str] | None) -> list[str] | None:
    load_plugins(modules or [])
    return modules


# Arguments

_STUDY = typer.Argument(
    metavar="STUDY", help="A study file (YAML).", show_default=False, autocompletion=_study_files
)
StudyFile = Annotated[Path, _STUDY]
StudyFiles = Annotated[list[Path], _STUDY]
AnyStudy = Annotated[
    Path | None,
    typer.Argument(
        metavar="STUDY", help="A study file (YAML); else all in studies/.", show_default=False,
        autocompletion=_study_files,
    ),
]  # fmt: skip
Name = Annotated[
    str,
    typer.Argument(
        metavar="ARM|TRIAL", autocompletion=_arm_names,
        help="An arm, a trial's id (or its first six digits and more), or ARM/REPLICATE.",
    ),
]  # fmt: skip

# Options of several commands

BudgetName = Annotated[
    str | None,
    typer.Option(
        "--budget", help="A budget of the study; else its default_budget.",
        autocompletion=_budget_names,
    ),
]  # fmt: skip
ArmNames = Annotated[
    list[str] | None,
    typer.Option("--arm", help="Only this arm; repeatable.", autocompletion=_arm_names),
]
Replicates = Annotated[
    int | None, typer.Option(min=1, max=MOST_REPLICATES, help="Instead of the study's number.")
]
Published = Annotated[
    bool, typer.Option("--published", help="The published record, not the results of this machine.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Assert = Annotated[
    str | None,
    typer.Option(
        "--assert",
        metavar="better|equivalent|not-worse",
        help="Say whether ARM is shown to be that against the first, in every primary metric; "
        "exit code 3 where it is not.",
    ),
]
JudgedBy = Annotated[
    str | None,
    typer.Option("--metric", help="Judge by this metric, for --assert and --json."),
]
SweepFile = Annotated[
    Path | None, typer.Option("--sweep", help="How to execute; else sweeps/laptop.yaml.")
]
DataRoot = Annotated[
    Path | None, typer.Option(help="Where data sets lie; else the sweep's, else runs/downloads.")
]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow store; else $MLFLOW_TRACKING_URI, else runs/mlflow.db.")
]
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin", callback=_load_plugins,
        help="A module, or a .py file, that brings parts of your own; repeatable.",
    ),
]  # fmt: skip
"""Loaded before the command begins, as installed plug-ins are; most commands use no more of it."""

# Options of `run`

UntilDecided = Annotated[
    bool,
    typer.Option(
        "--until-decided",
        help="Add replicates for the arms not decided yet, at looks declared before the first.",
    ),
]
MaxReplicates = Annotated[
    int | None,
    typer.Option(
        min=2, max=MOST_REPLICATES, help="At the last look of --until-decided; 10 unless stated."
    ),
]
For = Annotated[
    str | None,
    typer.Option(
        "--for", metavar="TIME",
        help="Stop cleanly within this time (2h, 90m, 1h30m, 5400s); exit code 75 if trials are "
        "left.",
    ),
]  # fmt: skip
Yes = Annotated[
    bool, typer.Option("--yes", help=f"Run more than {MOST_UNASKED:,} trials without being asked.")
]
Force = Annotated[
    list[str] | None,
    typer.Option(
        "--force",
        metavar="TRIAL|ARM",
        help="Train this trial, or this arm's, again though complete; repeatable. What there is "
        "of it is put aside, not deleted.",
    ),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Only the trials that failed, and no others.")
]
