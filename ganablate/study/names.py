"""Finds an arm by any spelling of its name: `d_dropout=0` is the arm `d_dropout=0.0`."""

from collections.abc import Iterable

from ganablate.study.settings import SETTINGS, read_value, text_of

Key = tuple[str, frozenset[str]]


def arm_key(name: str, folders: Iterable[str] = ()) -> Key:
    """What two spellings of one arm have in common.

    Values are resolved as levels are, and the order of several changes does not matter.
    """
    head, equals, _ = name.partition("=")
    if not equals:
        return name.strip(), frozenset()
    prefix, colon, _ = head.partition(":")
    rest = name[len(prefix) + 1 :] if colon else name
    parts = frozenset(_part(part.strip(), folders) for part in rest.split(","))
    return (prefix.strip() if colon else ""), parts


def _part(part: str, folders: Iterable[str]) -> str:
    factor, _, text = part.partition("=")
    factor, text = factor.strip(), text.strip()
    if factor not in SETTINGS:
        return part
    try:
        return f"{factor}={text_of(factor, read_value(factor, text, folders))}"
    except ValueError:
        return part


class ArmNames:
    """The arms' names by key, and other names of the same trials."""

    def __init__(self, folders: Iterable[str] = ()) -> None:
        self.folders = tuple(folders)
        self._names: dict[Key, str] = {}
        self._aliases: dict[str, str] = {}

    def add(self, name: str, stands_for: str | None = None) -> None:
        """Make a name known; `stands_for` is the arm it means, if that is called otherwise."""
        if stands_for is not None:
            self._aliases[name] = stands_for
        self._names.setdefault(arm_key(name, self.folders), stands_for or name)

    def find(self, name: str) -> str | None:
        """The arm's name in the plan; None: there is no such arm."""
        return self._names.get(arm_key(name, self.folders))

    def all(self) -> list[str]:
        """Every arm's name once, in the order they were added."""
        return list(dict.fromkeys(self._names.values()))

    def aliases(self) -> list[tuple[str, str]]:
        """Other names of arms, each with the arm's own."""
        return list(self._aliases.items())
