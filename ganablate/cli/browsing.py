"""`ui`: MLflow's own, on the trials of this folder."""

import os
from typing import Annotated

import typer

from ganablate.cli.console import RUNS, out, refuse
from ganablate.cli.options import TrackingUri
from ganablate.intake import read_profile


def ui(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open the MLflow UI on the trials of this folder, at http://127.0.0.1:PORT."""
    from ganablate.tracking import resolve_uri, ui_command, ui_environment

    try:
        of_profile = read_profile().tracking_uri
        uri = resolve_uri(RUNS, argument=tracking_uri, profile=of_profile)
        command = ui_command(uri, port=port)
    except ValueError as error:
        refuse([str(error)])
    RUNS.mkdir(exist_ok=True)
    out.print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)", highlight=False)
    os.execvpe(command[0], command, ui_environment())
