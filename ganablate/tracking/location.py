"""The address of MLflow's copy and the command that shows it, with passwords kept secret."""

import ipaddress
import os
import re
import sys
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

URI_VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE = "mlflow.db"
STORE_LOCK = "mlflow.lock"
"""Beside the database: held by whoever creates something in the store, or keeps what it has."""
LOOPBACK = "127.0.0.1"
TELEMETRY_OFF = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
"""Defaults: what the user has set in the environment stays."""

_ENDS_A_PATH = "?#%"
"""What an address reads as its own: the end of a path, or the begin of a decoded character."""
_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///([^?]*)")
_SERVERS = ("http", "https", "databricks")
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_ALLOWED = "sqlite:///FILE, postgresql://..., mysql://..., mssql://..., http(s)://HOST, databricks"
_SECRET_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "DATABRICKS_TOKEN")
_USER = re.compile(r"(\w[\w+.-]*://)\S*@|[^\s:/@]+:\S*@")
_SECRET_PARAMETER = re.compile(
    r"([?&;][^=&;\s]*(?:token|key|pass|pwd|secret|auth|sig)[^=&;\s]*=)[^&;#\s'\"]*", re.IGNORECASE
)
_HIDDEN = "***"


def is_server(uri: str) -> bool:
    """Whether a server, not this process, keeps database and artifacts."""
    return uri.startswith(("http://", "https://", "databricks"))


def without_secrets(text: str) -> str:
    """The text without what a store is opened with.

    That is a user and password before a host, the values of parameters such as `token=`, and the
    passwords and tokens of the environment.
    """
    hidden = _SECRET_PARAMETER.sub(rf"\1{_HIDDEN}", _USER.sub(rf"\1{_HIDDEN}@", text))
    for variable in _SECRET_VARIABLES:
        secret = os.environ.get(variable, "")
        hidden = hidden.replace(secret, _HIDDEN) if secret else hidden
    return hidden


def resolve_uri(runs: Path, *, argument: str | None = None, profile: str | None = None) -> str:
    """The tracking store: the argument, else $MLFLOW_TRACKING_URI, else the profile's, else SQLite.

    The default database lies in the folder of runs.

    Raises:
        ValueError: It is nothing that MLflow can store in.
    """
    given = {
        "--tracking-uri": argument,
        f"${URI_VARIABLE}": os.environ.get(URI_VARIABLE),
        "tracking_uri of the sweep file": profile,
    }
    for source, uri in given.items():
        if uri:
            if fault := _fault(uri):
                raise ValueError(f"{source}: {without_secrets(uri)} {fault}; allowed: {_ALLOWED}")
            return uri
    return sqlite_uri(runs.resolve() / DATABASE)


def sqlite_uri(file: Path) -> str:
    """The address of an SQLite file, whatever characters its path has."""
    path = str(file)
    if not any(character in path for character in _ENDS_A_PATH):
        return f"sqlite:///{path}"
    escaped = quote(path)
    if _database_of(f"sqlite:///{escaped}") == path:
        return f"sqlite+pysqlite:///{escaped}"
    return f"sqlite+pysqlite:///file:{escaped}?uri=true"  # before SQLAlchemy 2.1


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite store, which need not exist; None where the store is another."""
    match = _SQLITE.match(uri)
    if match is None:
        return None
    name = match[1] if "%" not in match[1] else _database_of(uri)
    return Path(unquote(name.removeprefix("file:")) if name.startswith("file:") else name)


def _database_of(uri: str) -> str:
    """The path in an address as SQLAlchemy, with which MLflow opens it, reads it."""
    from sqlalchemy.engine import make_url

    return make_url(uri).database or ""


def own_database(uri: str, runs: Path) -> Path | None:
    """The file of our own database, which need not exist; None where the store is another."""
    path, named = runs.resolve() / DATABASE, sqlite_file(uri)
    if named is None or not named.name:
        return None
    return path if named.parent.resolve() / named.name == path else None


def _fault(uri: str) -> str | None:
    """What is wrong with the form of a store's address."""
    if not uri.isprintable() or uri != uri.strip():
        return "holds characters that no address has"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError as error:
        return f"is no address ({error})"
    scheme = parts.scheme.partition("+")[0]
    if uri == "databricks" or scheme == "databricks":
        return None
    if scheme not in (*_SERVERS, *_DATABASES):
        return "is no tracking store"
    if scheme != "sqlite":
        return None if parts.hostname else "names no host"
    file = sqlite_file(uri)
    if file is None or not file.name or file.is_dir():
        return "names no database file"
    return None if file.parent.is_dir() else f"is in a folder that is not there ({file.parent})"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def ui_command(
    uri: str, *, port: int = 5000, host: str = LOOPBACK, expose: bool = False
) -> list[str]:
    """The command that shows a store in a browser; run it with `ui_environment(uri)`.

    The store's address is not in it: every user of the machine can read another's command lines.
    With `expose` the user says that others may reach it.

    Raises:
        ValueError: The store is a server already, or others would reach it unasked.
    """
    if is_server(uri):
        raise ValueError(f"{without_secrets(uri)} is a server already: open it in a browser")
    if not is_loopback(host) and not expose:
        raise ValueError(
            f"--host {host}: whoever reaches this machine there could read, change and delete "
            "every run, since MLflow asks for no password; add --expose if that is meant, else "
            f"leave --host out ({LOOPBACK})"
        )
    command = [sys.executable, "-m", "mlflow", "ui"]
    return [*command, "--host", host, "--port", str(port), "--workers", "1"]


def ui_environment(uri: str, *, expose: bool = False) -> dict[str, str]:
    """Variables for `ui_command`: without job execution it takes 0.5 GB instead of 1.2 GB.

    Where others may reach it, it answers by whatever name they call this machine.
    """
    store = {"MLFLOW_BACKEND_STORE_URI": uri}
    usual = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **TELEMETRY_OFF}
    if expose:
        usual["MLFLOW_SERVER_ALLOWED_HOSTS"] = "*"
    return {**usual, **os.environ, **store}
