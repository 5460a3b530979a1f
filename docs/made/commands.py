"""The commands, from the command line itself."""

from typing import Any

from typer.main import get_command

from docs.made.markdown import code, table
from ganablate.cli import COMMANDS, app


def commands() -> str:
    """Every command: what it does, its options, an example."""
    group: Any = get_command(app)
    found = []
    for name, line in COMMANDS.items():
        command = group.get_command(None, name)
        options = [one for one in command.params if one.param_type_name == "option"]
        rows = [_option(one) for one in options]
        example = f"```bash\nganablate {name} {line.example}".rstrip() + "\n```\n"
        shown = table(["option", "what it does"], rows) if rows else "\n"
        found.append(f"## {name}\n\n{command.help.strip()}\n\n{example}{shown}")
    return "\n" + "".join(found)


def _option(one: Any) -> list[str]:
    shown = one.default not in (None, False, ()) and not callable(one.default)
    usual = f" Else {one.default}." if shown else ""
    return [code([*one.opts, *one.secondary_opts]), (one.help or "").strip() + usual]
