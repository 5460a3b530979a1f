"""Every screen in a narrow terminal: no number, word or verdict of a table is cut in two."""

from collections.abc import Sequence

import pytest

from tests.support.command import invoke
from tests.support.paths import ROOT

STUDY = "studies/quickstart.yaml"
COMMANDS = {
    "plan": ("plan", STUDY),
    "status": ("status", STUDY),
    "list": ("list", "criteria", "optimizers"),
    "show": ("show", "activation=sigmoid", STUDY, "--published"),
    "compare": ("compare", "baseline", "activation=sigmoid", STUDY, "--published"),
}
PROSE = ("quickstart:", "Does a small", "disk:")
"""Lines that a terminal breaks, so that a command in one can be copied."""


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_tables_fit_and_their_words_are_whole(
    arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    _, wide, _ = invoke(*arguments)
    numbers = {word for word in wide.split() if any(character.isdigit() for character in word)}
    for width in (40, 60):
        monkeypatch.setenv("COLUMNS", str(width))
        _, narrow, _ = invoke(*arguments)
        lines = [line for line in narrow.splitlines() if not line.strip().startswith(PROSE)]
        room = width - 12  # a path may be longer than what is left beside the narrowest name
        wider = [line for line in lines if len(line) > width]
        assert [line for line in wider if max(map(len, line.split())) <= room] == []
        assert numbers <= set(narrow.split())
