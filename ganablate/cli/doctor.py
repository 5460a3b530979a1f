"""`doctor`: whether this machine and this folder are ready, and what to do where they are not."""

import contextlib
import dataclasses
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from ganablate.cli.console import FAILED, out, print_json
from ganablate.cli.options import AsJson, DataRoot, SweepFile, TrackingUri, UiPort
from ganablate.project.folders import HERE

if TYPE_CHECKING:
    from ganablate.project.doctor.finding import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    sweep: SweepFile = None,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
    port: UiPort = 5000,
    as_json: AsJson = False,
) -> None:
    """Check Python, packages, GPU, disks, folders, data and weights: a line each.

    `warn`: something will not work, such as a data set or the UI. `fail`: no study will, and the
    exit code is 1.
    """
    from ganablate.project.doctor import examine
    from ganablate.project.doctor.finding import Place, TorchFacts
    from ganablate.project.plans import read_profile
    from ganablate.study.reading.errors import StudyError

    used, root = None, data_root
    with contextlib.suppress(StudyError):  # the checks of the profile and the data root say why
        used = read_profile(sweep)
        root = read_profile(sweep, data_root).data_root
    root = root or HERE.runs / "downloads"
    facts = TorchFacts(root)
    facts.start()
    place = Place(
        HERE.runs, HERE.results, root, profile=sweep, used=used, tracking_uri=tracking_uri,
        port=port, torch=facts,
    )  # fmt: skip
    findings = []
    for name, finding in examine(place):
        findings.append({"check": name, **dataclasses.asdict(finding)})
        if not as_json:
            _print(name, finding)
    if as_json:
        print_json(findings)
    failed = any(finding["level"] == "fail" for finding in findings)
    raise typer.Exit(FAILED if failed else 0)


def _print(name: str, finding: "Finding") -> None:
    """One line: the level, the check, what it found, and what to do."""
    colour = _COLOURS[finding.level]
    line = Text(f"{finding.level:4}  ", style=colour)
    line.append(f"{name:10}  ", style="bold").append(finding.text, style="default")
    if finding.advice:
        line.append(f" -> {finding.advice}", style="default" if finding.level == "ok" else colour)
    out.print(line, soft_wrap=True)
