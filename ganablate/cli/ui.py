"""`ui`: MLflow's own, on the trials of this folder."""

import os
from typing import Annotated

import typer

from ganablate.cli.console import RUNS, out, refuse
from ganablate.cli.options import TrackingUri
from ganablate.project.plans import read_profile

_START = "#/experiments?workflowType=machine_learning"
"""Where MLflow is opened: it begins with language models unless told otherwise."""
_HINT = "in a study: Views > trials lists its trials; the run named as the budget has the report"


def ui(
    port: Annotated[int, typer.Option(help="To listen at.", min=1, max=65535)] = 5000,
    host: Annotated[str, typer.Option(help="To listen at; others need --expose.")] = "127.0.0.1",
    expose: Annotated[
        bool,
        typer.Option(
            "--expose",
            help="Let other machines in: whoever reaches --host can read, change and delete every "
            "run and artifact, without a password.",
        ),
    ] = False,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open the MLflow UI on the trials of this folder, at http://127.0.0.1:PORT."""
    from ganablate.project.doctor.storage import is_taken
    from ganablate.tracking import resolve_uri, ui_command, ui_environment

    of_profile = read_profile().tracking_uri
    try:
        uri = resolve_uri(RUNS, argument=tracking_uri, profile=of_profile)
        command = ui_command(uri, port=port, host=host, expose=expose)
    except ValueError as error:
        refuse([str(error)])
    if is_taken(port, host):
        line = f"port {port} is taken, by another `ganablate ui` or by another program"
        refuse([f"{line}; choose one: ganablate ui --port {port + 1}"])
    RUNS.mkdir(exist_ok=True)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{port}/{_START}"
    out.print(f"{address}  (Ctrl-C ends it)", highlight=False, markup=False, soft_wrap=True)
    out.print(_HINT, highlight=False, soft_wrap=True)
    os.execvpe(command[0], command, ui_environment(uri))
