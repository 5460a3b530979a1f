"""Nothing let in, nothing let out: code, archives, servers, secrets, markup, permissions."""

import ast
import io
import os
import pickle
import re
import stat
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.tracking import resolve_uri, ui_command
from ganablate.tracking.location import is_loopback, without_secrets
from ganablate.trials.folder import TrialFolder
from tests.support.cluster_parts import descendants, free_port
from tests.support.command import invoke
from tests.support.synthetic_study import numbers_of, write_trial

ROOT = Path(__file__).parents[2]
HEAD = (
    "study: x\nbase: {dataset: mnist_5k, network: mlp, epochs: 1}\nprimary: fid\nmetrics: [fid]\n"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


# --- no code from a file ---

HOSTILE = (
    "asks: !!python/object/apply:os.mkdir [pwned]\n",
    "asks: !!python/name:os.mkdir\n",
    "asks: !<tag:yaml.org,2002:python/object/new:os.mkdir> [pwned]\n",
    "? !!python/object/apply:os.mkdir [pwned]\n: 1\n",
    "probes: ['os:mkdir']\n",
    "ablate: {criterion: ['os:mkdir']}\n",
    "arms: {a: {network: 'ganablate.gan.networks.mlp:mlp'}}\n",
    "arms: {a: {optimizer: os.mkdir}}\n",
    "extractor: os:mkdir\n",
    "plugin: os\n",
    "plugins: [os]\n",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_study_file_names_no_code(text: str, project: Path) -> None:
    (project / "x.yaml").write_text(HEAD + text)
    code, _, err = invoke("validate", "x.yaml")
    assert code == 2
    assert err.startswith("x.yaml:")
    assert [path.name for path in project.iterdir()] == ["x.yaml"]


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.folder,)


def test_stored_arrays_run_no_code(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path, "a" * 16)
    evil: Any = np.array([Evil(tmp_path / "pwned")], dtype=object)
    folder.path.mkdir()
    np.save(folder.path / "samples.npy", evil)
    np.savez(folder.path / "losses.npz", evil)
    assert folder.samples() is None
    assert folder.losses() == {}
    assert not (tmp_path / "pwned").exists()


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    import torch

    from ganablate.gan.checkpoint import CheckpointError, load_state

    evil = Evil(tmp_path / "pwned")
    torch.save({"weights": evil}, tmp_path / "archive.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(evil, protocol=2))
    buffer = io.BytesIO()
    torch.save(evil, buffer, _use_new_zipfile_serialization=False)
    (tmp_path / "old.pt").write_bytes(buffer.getvalue())
    for name in ("archive.pt", "pickle.pt", "old.pt"):
        with pytest.raises(CheckpointError):
            load_state(tmp_path / name)
    assert not (tmp_path / "pwned").exists()
    pickle.loads(pickle.dumps(evil))  # it would have
    assert (tmp_path / "pwned").exists()


def calls(tree: ast.AST) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every call by its dotted name, with the keywords that are constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            known = {
                word.arg: word.value.value
                for word in node.keywords
                if word.arg and isinstance(word.value, ast.Constant)
            }
            yield ast.unparse(node.func), known


RUNS_CODE = re.compile(
    r"(eval|exec|compile|__import__|os\.(system|popen)|.*\bunsafe_load|.*pickle\.(load|loads)"
    r"|yaml\.(load|full_load)|.*\.(extractall|unpack_archive)|shutil\.unpack_archive|joblib\.load"
    r"|pd\.read_pickle|pandas\.read_pickle)"
)
MAY_RUN_CODE = {
    # what Ray Tune pickled a moment ago, in a private folder: see the test of Ray below
    "ganablate/sweep/tune_callback.py": ["ray.cloudpickle.loads"],
    # the file that the user names by --plugin on the command line, which no study can
    "ganablate/study/plugins/source.py": ["exec", "compile"],
}


def test_the_package_reads_no_file_by_running_it() -> None:
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "ganablate").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for call, words in calls(ast.parse(path.read_text(encoding="utf-8"))):
            wrong = bool(RUNS_CODE.fullmatch(call))
            wrong |= call == "torch.load" and words.get("weights_only") is not True
            wrong |= call.endswith("np.load") and words.get("allow_pickle") is not False
            wrong |= words.get("shell") is True or words.get("trust_remote_code") is True
            if wrong:
                found.setdefault(name, []).append(call)
    assert found == MAY_RUN_CODE


def test_a_data_set_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    from ganablate.gan.data import DataError, materialise

    for name in ("folder:../x", "folder:/etc", "folder:", "folder:a/../../x"):
        with pytest.raises(DataError, match="inside the data root"):
            materialise(name, 8, data_root=tmp_path / "root", cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


# --- servers ---


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.1.7", "example.org", "127.0.0.1.nip.io"]
)
def test_the_ui_binds_elsewhere_only_if_told_twice(host: str, project: Path) -> None:
    code, _, err = invoke("ui", "--host", host)
    assert code == 2
    assert err.startswith(f"--host {host}: whoever reaches this machine")
    assert "without" in invoke("ui", "--help")[1]
    assert "--expose" in err
    assert not list(project.iterdir())
    command = ui_command("sqlite:///x.db", host=host, expose=True)
    assert command[command.index("--host") + 1] == host


def test_loopback_is_what_no_other_machine_reaches() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "", "10.0.0.1", "localhost.example.org")))


def listening(children_of: int) -> set[str]:
    """Addresses (hexadecimal, of the kernel) at which a process or its children listen."""
    sockets = set()
    for pid in descendants(children_of):
        for file in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                sockets.add(str(file.readlink()).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets}


LOOPBACKS = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's list of sockets")
def test_ray_listens_on_loopback_in_a_private_folder() -> None:
    """Ray itself makes its folder writable for everyone, and Tune's errors there are unpickled."""
    from ganablate.sweep.machine import Machine
    from ganablate.sweep.ray_session import Interruption, ray_session

    def fail(config: dict[str, Any]) -> None:
        raise ValueError("on purpose")

    machine = Machine(device="cpu", precision="fp32", slots=1, threads=1)
    from ray import tune  # after our own, as in a sweep: see the next test

    with ray_session(machine, Interruption()) as folder:
        private = folder.parent
        run_config = tune.RunConfig(storage_path=str(folder), verbose=0)
        (result,) = tune.Tuner(fail, run_config=run_config).fit()
        found = listening(os.getpid())
        facts = private.stat()
        errors = [str(path) for path in private.rglob("*.pkl") if "error" in path.name]
        assert result.error is not None
    assert found
    assert found <= LOOPBACKS
    assert stat.S_IMODE(facts.st_mode) == 0o700
    assert facts.st_uid == os.getuid()
    assert errors
    assert not private.exists()


@pytest.mark.slow
def test_a_ray_that_would_listen_to_others_is_not_started(tmp_path: Path) -> None:
    """As in a notebook that imported ray first; and only where the machine has a network."""
    script = (
        "import ray.util\n"
        "address = ray.util.get_node_ip_address()\n"
        "from ganablate.sweep.ray_session import Interruption\n"
        "from ganablate.sweep.machine import Machine, MachineError\n"
        "from ganablate.sweep.ray_session import ray_session\n"
        "machine = Machine(device='cpu', precision='fp32', slots=1, threads=1)\n"
        "try:\n"
        "    with ray_session(machine, Interruption()): print('started at', address)\n"
        "except MachineError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert "started at 127." in done.stdout or "where other machines reach it" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux's list of sockets")
def test_the_real_ui_listens_on_loopback_and_hides_its_store(project: Path) -> None:
    command = [sys.executable, "-m", "ganablate", "ui", "--port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            found: set[str] = set()
            end = time.monotonic() + 120
            while not found and time.monotonic() < end and process.poll() is None:
                time.sleep(0.5)
                found = listening(process.pid)
            line = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        finally:
            process.terminate()
    assert found
    assert found <= LOOPBACKS
    assert b"mlflow.db" not in line


# --- secrets ---

SECRETS = [
    "http://ann:hunter2@host:5000/x",
    "postgresql+psycopg2://ann:hun/ter2@host/db",
    "http://host/?token=hunter2&x=1",
    "databricks://hunter2@host",
    "mssql://host/db?driver=x&Pwd=hunter2",
    "ann:hunter2@host/db",
]


@pytest.mark.parametrize("uri", SECRETS)
def test_no_secret_of_an_address_is_shown(uri: str) -> None:
    shown = without_secrets(f"API request to {uri} failed with exception X (host='host')")
    assert "hunter" not in shown
    assert "ter2" not in shown
    assert "host" in shown
    assert "failed with exception X" in shown


def test_what_is_no_secret_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("sqlite:////home/a/runs/mlflow.db", "http://host:5000/?x=1", "cannot open a@1b2c"):
        assert without_secrets(text) == text
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "")
    assert without_secrets("401 for Basic hunter2") == "401 for Basic ***"


def test_a_refused_address_is_told_without_its_password(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"\*\*\*@host") as caught:
        resolve_uri(project, argument="ftp://ann:hunter2@host/x")
    assert "hunter2" not in str(caught.value)
    code, _, err = invoke("ui", "--tracking-uri", "http://ann:hunter2@host:5000")
    assert code == 2
    assert "***@host:5000 is a server already" in err
    assert "hunter2" not in err
    command = ui_command("postgresql://ann:hunter2@host/db")
    assert "hunter2" not in " ".join(command)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_real_mlflow_that_refuses_gives_no_secret_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Warnings of the tracker, what MLflow prints, and every file under `runs`."""
    from ganablate.study.plan import Trial
    from ganablate.tracking import MlflowTracker, TrackedTrial

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "correcthorse")
    (tmp_path / "x.yaml").write_text(HEAD)
    trial: Trial = expand(load_study(tmp_path / "x.yaml")).trials[0]
    for uri in ("http://ann:hunter2@127.0.0.1:9", "postgresql://ann:hunter2@127.0.0.1:9/db"):
        told: list[str] = []
        tracker = MlflowTracker(uri, tmp_path / "runs", told.append)
        tracker.started(
            TrackedTrial(study="x", budget="full", trial=trial, trials_root=tmp_path / "trials")
        )
        tracker.close()
        assert told
        assert not any("hunter2" in line or "correcthorse" in line for line in told)
    printed = capfd.readouterr()
    assert "hunter2" not in printed.out + printed.err
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"hunter2" not in content
            assert b"correcthorse" not in content


# --- markup ---

SCRIPT = "<script>alert(1)</script>"
MARKED = f"""\
study: marked
asks: "{SCRIPT} & [a](javascript:b) | c"
base: {{dataset: mnist_5k, network: mlp, epochs: 1}}
ablate: {{latent_dim: [4, 5]}}
exclude: [{{latent_dim: 5, because: "{SCRIPT}"}}]
replicates: 2
primary: fid
metrics: [d_loss, g_loss, d_accuracy, fid, modes]
published:
  - {{arm: baseline, metric: fid, value: 9, protocol: "{SCRIPT}", source: "{SCRIPT}"}}
claims:
  - id: R9.1
    says: "{SCRIPT} [a](javascript:b) | c"
    perhaps: "{SCRIPT} [a](javascript:b) | c"
    compare: {{arm: latent_dim=4, is: worse}}
  - {{id: R9.2, says: "{SCRIPT}", visual: {{arms: all}}}}
"""


class Tags(HTMLParser):
    """Start tags with their attributes, and the text of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_study_of_scripts_shows_them_as_text(project: Path) -> None:
    """From the file through the real report: HTML, markdown, LaTeX."""
    from ganablate.report.build import build_report
    from ganablate.report.claims.page_of_all import write_ledger

    (project / "x.yaml").write_text(MARKED)
    study = load_study(project / "x.yaml")
    plan = expand(study)
    generator = np.random.default_rng(1)
    for trial in plan.trials:
        write_trial(project / "trials", trial, numbers=numbers_of(generator), stamp=SCRIPT)
    folder = build_report(
        plan, trials_root=project / "trials", results_root=project / "results"
    ).folder
    page = Tags((folder / "report.html").read_text())
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert page.text.count(SCRIPT) >= 5
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    places = [a["href"] or "" for _, a in page.tags if "href" in a]
    assert all(re.fullmatch(r"#[a-z_-]+|[a-z]+\.(csv|md|tex|json)", one) for one in places)
    write_ledger([study], project / "results")
    pages = [*folder.glob("*.md"), project / "results" / "CLAIMS.md"]
    assert len(pages) >= 2
    shown = 0
    for path in pages:
        text = path.read_text()
        shown += text.count("script>")
        assert not re.search(r"(?<!\\)<[A-Za-z/!?]", text), path
        assert not re.search(r"(?<!\\)\]\(javascript", text), path
        rows = [line for line in text.splitlines() if line.startswith("| R9.")]
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        assert len(widths) <= 1, path
    assert shown >= 4
    tex = (folder / "table.tex").read_text()
    assert "<script>" not in tex
    assert r"\textless{}script\textgreater{}" in tex


# --- permissions ---


def test_temporary_folders_are_private(tmp_path: Path) -> None:
    from ganablate.sweep.ray_session import temporary_folder

    before = os.umask(0)
    try:
        with temporary_folder() as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert not folder.exists()


def test_what_a_trial_writes_is_not_for_others_to_change(project: Path) -> None:
    (project / "x.yaml").write_text(HEAD)
    trial = expand(load_study(project / "x.yaml")).trials[0]
    before = os.umask(0o022)
    try:
        write_trial(project / "trials", trial, numbers=numbers_of(np.random.default_rng(1)))
    finally:
        os.umask(before)
    written = list((project / "trials").rglob("*"))
    assert len(written) > 5
    assert not [path for path in written if path.stat().st_mode & 0o022]


# --- the lock ---


def pinned() -> set[str]:
    """The packages of the lock, which names each once, by one version."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in pins)
    names = {canonicalize_name(line.partition("==")[0]) for line in pins}
    assert len(names) == len(pins)
    return names


def needed() -> set[str]:
    """What `pip install -e .[dev]` brings, by the metadata of what is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    todo = [(Requirement(line), "") for line in wanted]
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        for own in {"", *requirement.extras}:
            if (name, own) in seen:
                continue
            seen.add((name, own))
            try:
                lines = metadata.requires(name) or []
            except metadata.PackageNotFoundError:
                continue  # of the lock it must be all the same
            todo += [(Requirement(line), own) for line in lines]
    return {name for name, _ in seen} - {"pip"}  # which makes the environment itself


def test_the_lock_pins_all_that_an_installation_brings_and_nothing_else() -> None:
    lock = pinned()
    assert not needed() - lock
    installed = {canonicalize_name(package.name) for package in metadata.distributions()}
    assert not (lock & installed) - needed()
