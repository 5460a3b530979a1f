"""Finds an arm by any spelling of its name: `d_dropout=0` is the arm `d_dropout=0.0`."""

from collections.abc import Iterable

from ganablate.catalog import SETTINGS
from ganablate.study.arms.settings import read_value, text_of
from ganablate.study.plan import BASELINE
from ganablate.study.reading.wording import listed, show, unknown

Key = tuple[str, frozenset[str]]


class ArmNames:
    """The arms' names, and other names of the same trials.

    `baseline` is the cell of a cross that the study names as its baseline.
    """

    def __init__(self, folders: Iterable[str] = ()) -> None:
        self.baseline: str | None = None
        self._folders = tuple(folders)
        self._names: dict[str, str] = {}
        self._keys: dict[Key, str] | None = None
        self._left_out: dict[str, str] = {}

    def add(self, name: str, stands_for: str | None = None) -> None:
        """Add a name; `stands_for` is the arm it means, if that is called otherwise."""
        self._names.setdefault(name, stands_for or name)
        self._keys = None

    def __contains__(self, name: str) -> bool:
        """Whether an arm is called just so."""
        return name in self._names

    def include(self, other: "ArmNames") -> None:
        """Add all names of another budget."""
        self._names = {**self._names, **other._names, **self._names}
        self._keys = None
        self._left_out |= other._left_out
        self.baseline = self.baseline or other.baseline

    def leave_out(self, name: str, because: str) -> None:
        """Remember an arm that `exclude` leaves out, and why."""
        self._left_out[name] = because

    def find(self, name: str) -> str | None:
        """The arm's name in the plan; None: there is no such arm."""
        if name in self._names:
            return self._names[name]
        if self._keys is None:
            # Only for other spellings: reading ten thousand names takes half a second.
            self._keys = {self._key(spelling): arm for spelling, arm in self._names.items()}
        return self._keys.get(self._key(name))

    def group(self, name: str) -> list[str]:
        """The arms of the paired group of that name; none if it is no group."""
        return [arm for arm in self._arms() if "=" not in name and arm.startswith(f"{name}:")]

    def refusal(self, name: str, what: str = "an arm", but: str | None = None) -> str:
        """Why `find` has nothing for this name; the arm `but` is not proposed instead."""
        key = self._key(name)
        for arm, because in self._left_out.items():
            if name in (arm, arm.partition(":")[0]) or self._key(arm) == key:
                return f"{show(name)} is left out by exclude (because: {because})"
        if name == BASELINE and self.baseline is not None:
            return f"{show(name)} is not {what}; this study's baseline is called {self.baseline}"
        if name == BASELINE:
            return (
                f"{show(name)} is not {what}: a cross has none unless `baseline:` names a cell; "
                "give that, or name a cell here"
            )
        if arms := self.group(name):
            return f"{show(name)} is a group of paired arms; name them: {listed(arms)}"
        return unknown(what, name, [arm for arm in self._arms() if arm != but])

    def _arms(self) -> list[str]:
        """Every arm's name once, in the order they were added."""
        return list(dict.fromkeys(self._names.values()))

    def _key(self, name: str) -> Key:
        """What two spellings of one arm have in common.

        Values are resolved as levels are, and the order of several changes does not matter.
        """
        head, equals, _ = name.partition("=")
        if not equals:
            return name.strip(), frozenset()
        prefix, colon, _ = head.partition(":")
        rest = name[len(prefix) + 1 :] if colon else name
        changes = frozenset(self._change(part.strip()) for part in rest.split(","))
        return (prefix.strip() if colon else ""), changes

    def _change(self, text: str) -> str:
        factor, _, level = text.partition("=")
        factor = factor.strip()
        if factor not in SETTINGS:
            return text
        try:
            return f"{factor}={text_of(factor, read_value(factor, level.strip(), self._folders))}"
        except ValueError:
            return text
