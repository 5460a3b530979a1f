"""Arguments and options that several commands share."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ganablate.cli.completion import arm_names, budget_names, study_files
from ganablate.study.arms.grid import MOST_UNASKED
from ganablate.study.schema import MOST_REPLICATES

StudyFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="STUDY", help="Study files (YAML).", show_default=False,
        autocompletion=study_files,
    ),
]  # fmt: skip
StudyFile = Annotated[
    Path,
    typer.Argument(
        metavar="STUDY", help="A study file (YAML).", show_default=False,
        autocompletion=study_files,
    ),
]  # fmt: skip
BudgetName = Annotated[
    str | None,
    typer.Option(
        "--budget", help="A budget of the study; else its default_budget.",
        autocompletion=budget_names,
    ),
]  # fmt: skip
ArmNames = Annotated[
    list[str] | None,
    typer.Option("--arm", help="Only this arm; repeatable.", autocompletion=arm_names),
]
Replicates = Annotated[
    int | None,
    typer.Option(min=1, max=MOST_REPLICATES, help="Instead of the study's number."),
]
Yes = Annotated[
    bool, typer.Option("--yes", help=f"Run more than {MOST_UNASKED:,} trials without being asked.")
]
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
Estimate = Annotated[
    bool,
    typer.Option(
        "--estimate", help="Time some seconds of each kind of work of unknown cost, one by one."
    ),
]
Published = Annotated[
    bool,
    typer.Option("--published", help="The published record, not the results of this machine."),
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
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        help="A module, or a .py file, that brings parts of your own; repeatable.",
    ),
]

# Of `evaluate`, `publish`, `prune`, `doctor` and `ui`

Metrics = Annotated[list[str] | None, typer.Option("--metric", help="A metric to add; repeatable.")]
Probes = Annotated[list[str] | None, typer.Option("--probe", help="A probe to add; repeatable.")]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Publish it even if it is not complete, or has less than the published record.",
    ),
]
Keep = Annotated[
    Literal["weights", "generator", "none"],
    typer.Option(help="Networks that stay of complete trials: both, the generator, or none."),
]
Retired = Annotated[
    bool,
    typer.Option("--retired", help="Also folders put aside: trained again since, or stale."),
]
Unnamed = Annotated[
    bool, typer.Option("--unnamed", help="Also whole trials that no study given here names.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove it not.")]
UiPort = Annotated[int, typer.Option(min=1, max=65535, help="Of `ganablate ui`.")]
Port = Annotated[int, typer.Option(help="To listen at.", min=1, max=65535)]
Host = Annotated[str, typer.Option(help="To listen at; others need --expose.")]
Expose = Annotated[
    bool,
    typer.Option(
        "--expose",
        help="Let other machines in: whoever reaches --host can read, change and delete every "
        "run and artifact, without a password.",
    ),
]

# Of `show` and `compare`

Name = Annotated[
    str,
    typer.Argument(
        metavar="ARM|TRIAL", autocompletion=arm_names,
        help="An arm, a trial's id (or its first six digits and more), or ARM/REPLICATE.",
    ),
]  # fmt: skip
SecondName = Annotated[
    str, typer.Argument(metavar="ARM|TRIAL", help="The other.", autocompletion=arm_names)
]
AnyStudy = Annotated[
    Path | None,
    typer.Argument(
        metavar="STUDY", help="A study file (YAML); else all in studies/.", show_default=False,
        autocompletion=study_files,
    ),
]  # fmt: skip
Open = Annotated[
    bool, typer.Option("--open", help="Open the report's page, or the folder of a trial's files.")
]
Save = Annotated[
    Path | None,
    typer.Option("--save", help="Draw both samples and losses side by side into this PNG."),
]


def with_plugins(command: Callable[..., None]) -> Callable[..., None]:
    """Give --plugin to a command that reads studies; what it names is loaded before they are."""
    signature = inspect.signature(command, eval_str=True)
    if signature.parameters.keys().isdisjoint(("study", "studies")):
        return command

    @functools.wraps(command)
    def loading(*arguments: Any, plugin: list[str] | None = None, **options: Any) -> None:
        from ganablate.study.plugins import load_plugins

        load_plugins(plugin or [])
        command(*arguments, **options)

    kind = inspect.Parameter.KEYWORD_ONLY
    more = inspect.Parameter("plugin", kind, default=None, annotation=Plugins)
    every = [*signature.parameters.values(), more]
    loading.__dict__["__signature__"] = signature.replace(parameters=every)
    return loading
