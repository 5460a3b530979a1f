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
    """The arms' names, and other names of the same trials."""

    def __init__(self, folders: Iterable[str] = ()) -> None:
        self.folders = tuple(folders)
        self._names: dict[str, str] = {}
        self._keys: dict[Key, str] | None = None

    def add(self, name: str, stands_for: str | None = None) -> None:
        """Make a name known; `stands_for` is the arm it means, if that is called otherwise."""
        self._names.setdefault(name, stands_for or name)
        self._keys = None

    def include(self, other: "ArmNames") -> None:
        """Make all names of another budget known too."""
        for name, arm in other._names.items():
            self.add(name, arm)

    def find(self, name: str) -> str | None:
        """The arm's name in the plan; None: there is no such arm."""
        if name in self._names:
            return self._names[name]
        if self._keys is None:
            # Only for other spellings: reading ten thousand names takes half a second.
            self._keys = {arm_key(known, self.folders): arm for known, arm in self._names.items()}
        return self._keys.get(arm_key(name, self.folders))

    def all(self) -> list[str]:
        """Every arm's name once, in the order they were added."""
        return list(dict.fromkeys(self._names.values()))
