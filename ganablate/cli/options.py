"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

StudyFiles = Annotated[list[Path], typer.Argument(help="Study files (YAML).", show_default=False)]
StudyFile = Annotated[Path, typer.Argument(help="A study file (YAML).", show_default=False)]
BudgetName = Annotated[
    str | None, typer.Option("--budget", help="A budget of the study; else its default_budget.")
]
ArmNames = Annotated[list[str] | None, typer.Option("--arm", help="Only this arm; repeatable.")]
Replicates = Annotated[int | None, typer.Option(min=1, help="Instead of the study's number.")]
UntilDecided = Annotated[
    bool,
    typer.Option(
        "--until-decided",
        help="Add replicates for the arms not decided yet, at looks declared before the first.",
    ),
]
MaxReplicates = Annotated[
    int | None,
    typer.Option(min=2, help="At the last look of --until-decided; 10 unless stated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
SweepFile = Annotated[
    Path | None, typer.Option("--sweep", help="How to execute; else sweeps/laptop.yaml.")
]
DataRoot = Annotated[
    Path | None, typer.Option(help="Where data sets lie; else the sweep's, else runs/downloads.")
]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow store; else $MLFLOW_TRACKING_URI, else runs/mlflow.db.")
]
