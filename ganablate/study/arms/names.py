"""Finds an arm by any spelling of its name: `d_dropout=0` is the arm `d_dropout=0.0`."""

from collections.abc import Iterable

from ganablate.catalog import SETTINGS
from ganablate.study.arms.settings import read_value, text_of
from ganablate.study.plan import BASELINE
from ganablate.study.reading.wording import listed, show, unknown

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
        self._left_out: dict[str, str] = {}
        self.baseline: str | None = None

    def add(self, name: str, stands_for: str | None = None) -> None:
        """Make a name known; `stands_for` is the arm it means, if that is called otherwise."""
        self._names.setdefault(name, stands_for or name)
        self._keys = None

    def include(self, other: "ArmNames") -> None:
        """Make all names of another budget known too."""
        for name, arm in other._names.items():
            self.add(name, arm)
        self._left_out |= other._left_out
        self.baseline = self.baseline or other.baseline

    def find(self, name: str) -> str | None:
        """The arm's name in the plan; None: there is no such arm."""
        if name in self._names:
            return self._names[name]
        if self._keys is None:
            # Only for other spellings: reading ten thousand names takes half a second.
            self._keys = {arm_key(known, self.folders): arm for known, arm in self._names.items()}
        return self._keys.get(arm_key(name, self.folders))

    def leave_out(self, name: str, because: str) -> None:
        """Remember an arm that `exclude` leaves out, and why."""
        self._left_out[name] = because

    def group(self, name: str) -> list[str]:
        """The arms of the paired group of that name; none if it is no group."""
        return [arm for arm in self.all() if "=" not in name and arm.startswith(f"{name}:")]

    def refusal(self, name: str, what: str = "an arm", but: str | None = None) -> str:
        """Why `find` has nothing for this name; the arm `but` is not proposed instead."""
        key = arm_key(name, self.folders)
        for arm, because in self._left_out.items():
            if name in (arm, arm.partition(":")[0]) or arm_key(arm, self.folders) == key:
                return f"{show(name)} is left out by exclude (because: {because})"
        if name == BASELINE and self.baseline is not None:
            return f"{show(name)} is not {what}; this study's baseline is called {self.baseline}"
        if name == BASELINE:
            return (
                f"{show(name)} is not {what}: a cross has none unless `baseline:` names a cell; "
                "give that, or name a cell here"
            )
        if self.group(name):
            return f"{show(name)} is a group of paired arms; name them: {listed(self.group(name))}"
        return unknown(what, name, [arm for arm in self.all() if arm != but])

    def all(self) -> list[str]:
        """Every arm's name once, in the order they were added."""
        return list(dict.fromkeys(self._names.values()))
