"""`list`: every part that a study can name, built in or brought by a plug-in."""

from typing import Annotated

import typer

from ganablate.cli.console import FAILED, print_json, print_plain, refuse
from ganablate.cli.options import AsJson, Plugins

KIND_NAMES = (
    "criteria", "penalties", "optimizers", "schedules", "networks", "activations", "initialisers",
    "datasets", "metrics", "probes", "extractors",
)  # fmt: skip
Kinds = Annotated[
    list[str] | None,
    typer.Argument(help=f"Of: {', '.join(KIND_NAMES)}. Else all.", show_default=False),
]
Check = Annotated[
    bool, typer.Option("--check", help="Try the parts of plug-ins out, as the built-in ones are.")
]


def list_parts(
    kinds: Kinds = None, plugin: Plugins = None, check: Check = False, as_json: AsJson = False
) -> None:
    """List criteria, networks, metrics and the rest, with their sources and settings."""
    from ganablate.cli.part_text import parts_as_json, parts_as_text
    from ganablate.study.plugins import load_plugins
    from ganablate.study.reading.wording import unknown

    asked = list(dict.fromkeys(kinds or KIND_NAMES))
    wrong = [kind for kind in asked if kind not in KIND_NAMES]
    if wrong:
        refuse([unknown("a kind of part", kind, KIND_NAMES) for kind in wrong])
    loaded = load_plugins(plugin or [])
    if as_json:
        print_json(parts_as_json(asked))
    elif check and not loaded:
        refuse(["no plug-in is loaded; name one with --plugin"])
    elif not check:
        print_plain(parts_as_text(asked))
    if check:
        _check(asked)


def _check(kinds: list[str]) -> None:
    """Exercise every part of a plug-in; leaves with exit code 1 if one breaks its contract."""
    from ganablate.cli.part_text import KINDS
    from ganablate.project.part_checks import broken

    failed = False
    for kind in kinds:
        for name, part in KINDS[kind][1].items():
            if part.plugin is None:
                continue
            faults = broken(kind, name)
            failed = failed or bool(faults)
            print_plain(f"{kind} {name}: {'ok' if not faults else ''}".rstrip(" "))
            for fault in faults:
                print_plain(f"  {fault}")
    if failed:
        raise typer.Exit(FAILED)
