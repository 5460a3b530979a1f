"""How given values and allowed names are put into a message."""

import difflib
from collections.abc import Iterable

_MOST_NAMES = 50
"""Longer lists of allowed names are cut: nobody reads a thousand arms in an error."""
_MOST_NEAR = 5
"""Of more than twice as many, only so many, where one is like the given name."""
_MOST_COMPARED = 2000
_SWITCHES = ("on", "off", "yes", "no")
"""Words that are like some name by chance only: "no" is not a misspelled "none"."""


def show(value: object) -> str:
    """A given value, short and in the words of YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = value if isinstance(value, str) else repr(value)
    short = text if len(text) <= 60 else text[:57] + "..."
    return f'"{short}"' if isinstance(value, str) else short


def nearest_first(word: str, allowed: Iterable[str]) -> tuple[list[str], bool]:
    """The allowed names, those like `word` first, and whether there was any like it."""
    names = list(dict.fromkeys(allowed))
    lowered = {name.lower(): name for name in names[:_MOST_COMPARED]}
    if word.lower() in _SWITCHES:
        return names, False
    close = difflib.get_close_matches(word.lower(), lowered, n=_MOST_NEAR, cutoff=0.6)
    near = [lowered[name] for name in close]
    return near + [name for name in names if name not in near], bool(near)


def listed(names: list[str], most: int = _MOST_NAMES) -> str:
    """Names separated by commas, cut where there are too many."""
    if not names:
        return "none here"
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def unknown(what: str, given: object, allowed: Iterable[str]) -> str:
    """`"sgdd" is not an optimizer; did you mean sgd? Allowed: sgd, adam, rmsprop`."""
    names, near = nearest_first(str(given), allowed)
    hint = f"did you mean {names[0]}? Allowed" if near else "allowed"
    most = _MOST_NEAR if near and len(names) > 2 * _MOST_NEAR else _MOST_NAMES
    return f"{show(given)} is not {what}; {hint}: {listed(names, most)}"


def unknown_part(what: str, given: object, allowed: Iterable[str]) -> str:
    """As `unknown`, of the name of a part, which may be one that nobody brought."""
    return f"{unknown(what, given, allowed)}; a part of a plug-in needs --plugin"
