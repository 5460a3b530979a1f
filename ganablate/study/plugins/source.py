"""Finds a plug-in and runs it, once, from the very text that is hashed."""

import hashlib
import importlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

from ganablate.catalog import parts
from ganablate.study.reading.messages import sentence
from ganablate.study.reading.wording import nearest_first

_PREFIX = "ganablate_plugin_"
"""Before the name that a file's module gets, so that no `random.py` takes the library's place."""


class PluginError(Exception):
    """A plug-in cannot be used. Its only argument says why, in a line."""


@dataclass(frozen=True)
class Source:
    """A plug-in's module, its file, and the text of it that was run."""

    place: str
    """As another process on this machine finds it: an absolute path, or a module's name."""
    shown: str
    """As the user knows it: a file's name, or a module's."""
    file: Path
    text: str
    module: ModuleType


def text_digest(*texts: str) -> str:
    """16 hex digits of the sha256 of these texts; ends of lines are the same on every system."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def read_source(named: str) -> Source:
    """Find and run the plug-in that is named.

    `my_losses` is `my_losses.py` in the working folder, or else an installed module (or one on
    PYTHONPATH); `path/to/my_losses.py` is that file, which may lie anywhere.

    Raises:
        PluginError: There is none, it cannot be read, or it raises when it is run.
    """
    local = Path(f"{named}.py")
    if named.endswith(".py") or "/" in named or "\\" in named:
        try:
            return _of_file(Path(named).expanduser())
        except RuntimeError as error:  # ~nobody/x.py
            raise PluginError(f"{named}: {error}") from None
    return _of_file(local) if local.is_file() else read_module(named)


def read_place(place: str) -> Source:
    """Find and run a plug-in by its `Source.place`; raises as `read_source`."""
    path = Path(place)
    return _of_file(path) if path.is_absolute() else read_module(place)


def text_of(module: ModuleType) -> str:
    """The text of a module's file.

    Raises:
        PluginError: It has none that can be read.
    """
    try:
        return Path(str(module.__file__)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise PluginError(
            f"the source of {module.__name__} cannot be read, and it is a part of the trials' names"
        ) from None


def _of_file(path: Path) -> Source:
    path = path.resolve()
    if path.suffix != ".py":
        raise PluginError(f"{path} is given; a file that ends in .py, or a module, is needed")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = _nearest_file(path.name, path.parent)
        raise PluginError(f"there is no file {path}{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PluginError(f"{path} cannot be read: {error}") from None
    name = f"{_PREFIX}{path.stem}_{text_digest(str(path))[:8]}"
    before = sys.modules.get(name)
    if before is not None and vars(before).get("__source__") == text:
        return Source(str(path), path.name, path, text, before)
    module = ModuleType(name)
    vars(module).update(__file__=str(path), __source__=text)
    # Registered first, as an import does, and taken away again if it raises. Not through an
    # importer: that may run stale bytecode of a file which was edited within its clock's tick.
    sys.modules[name] = module
    try:
        exec(compile(text, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise PluginError(_raised(error, path)) from None
    return Source(str(path), path.name, path, text, module)


def read_module(name: str) -> Source:
    """Import a plug-in that is installed, whatever lies in the working folder.

    Raises:
        PluginError: As `read_source`.
    """
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        message = _raised(error, None)
        if missing and f"{name}.".startswith(f"{missing}."):
            message = (
                f"there is neither a file {name}.py in this folder nor an installed module of "
                f"that name{_nearest_file(f'{name}.py', Path())}"
            )
        raise PluginError(message) from None
    return Source(name, name, Path(str(module.__file__)), text_of(module), module)


def _raised(error: BaseException, path: Path | None) -> str:
    """`my_losses.py:3 raises ZeroDivisionError: division by zero`."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if path is None or Path(frame.filename) == path]
    line = f"{Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else ""
    if isinstance(error, ValidationError) and hasattr(parts, error.title):
        return f"{line}: {'; '.join(_wrong_line(error))}"
    if isinstance(error, SyntaxError):
        line = f"{Path(error.filename or '').name}:{error.lineno}"
    kind = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    hint = ""
    if path is not None and isinstance(error, ImportError):
        beside = path.with_name(f"{error.name}.py")
        if beside.is_file():
            hint = (
                f"; {beside.name} beside it is not looked at: install it, or name its folder in "
                "PYTHONPATH"
            )
    return f"{line} raises {kind}{hint}".lstrip()


def _wrong_line(error: ValidationError) -> Iterator[str]:
    """What a line of the catalog says of itself when it is made."""
    for fault in error.errors(include_url=False):
        where = ".".join([error.title, *(str(part) for part in fault["loc"] if part != "[key]")])
        yield f"{where}: {sentence(fault, getattr(parts, error.title), error.title)}"


def _nearest_file(name: str, folder: Path) -> str:
    names, near = nearest_first(name, sorted(path.name for path in folder.glob("*.py")))
    return f"; did you mean {names[0]}?" if near else ""
