"""Sweeps on a real Ray cluster of several nodes, tracked by a real server with PostgreSQL.

The nodes run on one machine. What a network or several kernels add is not tested here.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.cluster_parts import (
    HERE,
    RayNode,
    free_port,
    lack_of_postgresql,
    mlflow_server,
    postgresql,
    ray_cluster,
    ray_environment,
    until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's and MLflow's own warnings are none of ours
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's processes"),
]
ROOT = Path(__file__).resolve().parents[2]
GANABLATE = [sys.executable, "-c", "from ganablate.cli import main; main()"]
# Its trials last longer than Ray takes to notice that a node is gone.
STUDY = """\
study: nodes
asks: Does it matter where a trial is trained?
base: {dataset: mnist_5k, network: mlp, g_width: 64, d_width: 64, batch_size: 64,
       iterations: 1000, lr: 2.0e-4, beta1: 0.5}
ablate: {latent_dim: [16]}
replicates: 2
primary: fid
metrics: [d_loss, g_loss, fid]
"""


def project(folder: Path, **settings: Any) -> Path:
    """A folder to work in, with the profile for clusters as it is shipped, and these settings."""
    (folder / "studies").mkdir(parents=True)
    (folder / "studies" / "nodes.yaml").write_text(STUDY)
    shutil.copytree(ROOT / "sweeps", folder / "sweeps")
    profile = folder / "sweeps" / "cluster.yaml"
    kept = [
        line for line in profile.read_text().splitlines() if line.partition(":")[0] not in settings
    ]
    lines = [f"{key}: {json.dumps(value)}" for key, value in settings.items()]
    profile.write_text("\n".join([*kept, *lines]) + "\n")
    return folder


def run(folder: Path, *words: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GANABLATE, "run", "studies/nodes.yaml", *words], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    return said


def attempts(folder: Path) -> dict[Path, list[dict[str, Any]]]:
    """The attempts of each trial, by its folder."""
    trials = sorted((folder / "runs" / "trials").glob("[0-9a-f]*"))
    return {
        trial: [json.loads(one.read_text()) for one in sorted(trial.glob("attempts/0*.json"))]
        for trial in trials
    }


def trained_on(folder: Path, node: RayNode) -> Path | None:
    """A trial with a checkpoint that is being trained on the node."""
    processes = node.processes()
    for trial, made in attempts(folder).items():
        there = bool(made) and made[-1]["pid"] in processes
        stored = any(trial.glob("checkpoints/at-*/state.pt"))
        if there and stored and not (trial / "complete.json").exists():
            return trial
    return None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """Addresses of an MLflow server and of the PostgreSQL behind it, and its artifacts."""
    if reason := lack_of_postgresql():
        pytest.skip(reason)
    artifacts = tmp_path_factory.mktemp("server") / "artifacts"
    with postgresql("mlflow") as store, mlflow_server(store, artifacts) as uri:
        yield uri, store, artifacts


def test_a_node_is_killed_and_no_trial_and_no_metric_is_lost(
    tmp_path: Path, server: tuple[str, str, Path]
) -> None:
    uri, store, artifacts = server
    shared, caches = tmp_path / "shared", tmp_path / "caches"
    with ray_cluster({}, {}) as (folder, address, (_, first, second)):
        project(
            shared, tracking_uri=uri, checkpoint_seconds=1, retries=1, data_cache=str(caches),
            address=address,
        )  # fmt: skip
        sweep = run(shared, "--sweep", "sweeps/cluster.yaml", environment=ray_environment(folder))
        try:
            until(lambda: trained_on(shared, first) or sweep.poll(), "trial on the first node")
            lost = until(lambda: trained_on(shared, second) or sweep.poll(), "trial on the second")
            assert isinstance(lost, Path), sweep.communicate()[0]
            second.kill()
            said = finished(sweep)
        finally:
            sweep.kill()
        assert f"node {second.address} is gone: others go on with its trials" in said
        assert "Traceback" not in said  # what Ray itself prints of a node's end is its own
        assert "View run" not in said

    made = attempts(shared)
    assert len(made) == 4
    assert all((trial / "complete.json").exists() for trial in made)
    assert sorted(len(of_trial) for of_trial in made.values()) == [1, 1, 1, 2]
    assert made[lost][1]["from_iteration"] > 0  # the other node had its checkpoint
    assert made[lost][1]["pid"] not in {made[lost][0]["pid"]}
    assert (caches / "mnist_5k-28" / "images.npy").exists()
    assert not list((shared / "runs").glob("ganablate-ray-*"))
    assert not list((shared / "runs").glob(".nodes-*"))
    check_copy(shared, uri, store, artifacts)

    # Where a trial is trained, and how often it moved, is not to be seen in its numbers.
    alone = project(tmp_path / "alone")
    finished(run(alone, environment=ray_environment(tmp_path)))
    table = Path("results") / "nodes" / "full" / "trials.csv"
    assert (shared / table).read_bytes() == (alone / table).read_bytes()


def check_copy(shared: Path, uri: str, store: str, artifacts: Path) -> None:
    """All that the trial folders have for MLflow is there, and it is in PostgreSQL."""
    import mlflow
    import psycopg2

    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("nodes")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    of_trials = {one.data.tags.get("ganablate.trial_id"): one for one in runs}
    assert {one.info.status for one in runs} == {"FINISHED"}
    assert len(runs) == 1 + 4  # the study's own, and one for each trial
    points = 0
    for trial in attempts(shared):
        one = of_trials[trial.name]
        assert one.data.tags["ganablate.state"] == "complete"
        numbers = json.loads((trial / "metrics.json").read_text())["numbers"]
        assert one.data.metrics["fid"] == numbers["fid"]
        blocks = [json.loads(path.read_text()) for path in trial.glob("checkpoints/*/block.json")]
        for key in ("d/criterion", "g/criterion"):
            own = {step: value for block in blocks for step, value, _ in block["points"][key]}
            sent = {
                point.step: point.value for point in client.get_metric_history(one.info.run_id, key)
            }
            assert sent == own
            assert len(sent) > 100
            points += len(sent)
        assert {file.path for file in client.list_artifacts(one.info.run_id)} >= {
            "animation.gif", "metrics.json", "samples", "trial.json"
        }  # fmt: skip
        kept = list(artifacts.glob(f"*/{one.info.run_id}/artifacts/metrics.json"))
        assert [path.read_bytes() for path in kept] == [(trial / "metrics.json").read_bytes()]
    address = urlsplit(store)
    with psycopg2.connect(
        host=address.hostname, port=address.port, user=address.username,
        password=address.password, dbname=address.path[1:],
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        cursor.execute("SELECT count(*) FROM metrics WHERE key IN ('d/criterion', 'g/criterion')")
        assert cursor.fetchone() == (points,)


def refusal(folder: Path, environment: dict[str, str]) -> str:
    """What is said to a sweep that is not begun."""
    sweep = run(folder, "--sweep", "sweeps/cluster.yaml", environment=environment)
    try:
        said, _ = sweep.communicate(timeout=200)
    finally:
        sweep.kill()
    assert sweep.returncode == 2, said
    assert not list((folder / "runs").glob("trials/*"))
    assert "Traceback" not in said
    return said


def cluster_line(folder: Path, environment: dict[str, str]) -> str:
    """What `doctor` says of the cluster."""
    command = [*GANABLATE, "doctor", "--sweep", "sweeps/cluster.yaml"]
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, timeout=200
    )
    (line,) = [line for line in done.stdout.splitlines() if line.split()[1] == "cluster"]
    return line


def test_an_address_without_a_cluster_is_one_clear_line(tmp_path: Path) -> None:
    port = free_port()
    nowhere = project(tmp_path / "nowhere", address=f"{HERE}:{port}")
    environment = ray_environment(tmp_path)
    said = refusal(nowhere, environment)
    assert f"no Ray cluster can be joined at the address {HERE}:{port} (" in said
    assert "ray start" in said
    auto = project(tmp_path / "auto")
    assert "at the address auto (this machine is no node of one)" in refusal(auto, environment)
    # What `ray start` left behind on a machine whose cluster has ended since.
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"{HERE}:{port}")
    assert f"at the address {HERE}:{port} (" in refusal(auto, environment)
    with_socket = project(tmp_path / "socket", address=f"{HERE}:{port}")
    with socket.create_server((HERE, port)):
        assert f"at the address {HERE}:{port} (" in refusal(with_socket, environment)


def test_nodes_with_another_ganablate_or_another_disk_are_named(tmp_path: Path) -> None:
    shared = project(tmp_path / "shared")
    runs = shared / "runs"
    runs.mkdir()
    other = tmp_path / "other"
    shutil.copytree(ROOT / "ganablate", other / "ganablate")
    with (other / "ganablate" / "config.py").open("a") as source:
        source.write("\n# of another version\n")
    workers: list[dict[str, Any]] = [{"environment": {"PYTHONPATH": str(other)}}]
    own_disk = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']
    tried = [*own_disk, str(runs), "true"]
    can_mount = os.getuid() == 0 and subprocess.run(tried, capture_output=True).returncode == 0
    if can_mount:
        workers.append({"before": (*own_disk, str(runs))})
    with ray_cluster(*workers, head=1) as (folder, _, _):
        environment = ray_environment(folder)
        said, doctor = refusal(shared, environment), cluster_line(shared, environment)
    assert doctor.split()[0] == "fail"
    assert "install the same on both" in doctor
    lines = [line for line in said.splitlines() if line.startswith("node ")]
    assert len(lines) == len(workers), said
    assert "has ganablate" in said
    assert "install the same on both" in said
    assert ("does not see the folder" in said) == can_mount
    assert not list(runs.glob(".nodes-*"))
