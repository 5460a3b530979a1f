"""What a sweep works with: the machine or cluster, a session of Ray on it, and its jobs."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ray import tune

from ganablate.gan.data import downloads_beside
from ganablate.study.plugins import loaded_plugins
from ganablate.sweep.cluster import NodeWatch, look_at_nodes
from ganablate.sweep.events import Observer
from ganablate.sweep.interrupt import Interruption
from ganablate.sweep.job import Job
from ganablate.sweep.machine import Machine, resolve, resolve_on, wants_cuda
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import cluster_session, ray_session
from ganablate.sweep.tune_callback import OwnedJob
from ganablate.tracking import TrackedTrial
from ganablate.trials.needs import Measurements


def machine_for(
    profile: Profile, trials: int, runs: Path, interruption: Interruption, *, cuda_named: bool
) -> Machine:
    """Divide this machine, or the profile's cluster, among so many trials.

    Raises:
        MachineError: It lacks what the profile or a trial names.
    """
    if profile.address is None:
        return resolve(profile, trials=trials, cuda_named=cuda_named)
    gpus = wants_cuda(profile, cuda_named=cuda_named)
    nodes = look_at_nodes(profile.address, runs, interruption, gpus=gpus)
    return resolve_on(nodes, profile, trials=trials, cuda_named=cuda_named)


@dataclass(frozen=True)
class Session:
    """Ray as it runs for a sweep: a folder for Tune's files, and who watches the nodes."""

    profile: Profile
    machine: Machine
    folder: Path
    watches: tuple[tune.Callback, ...] = ()


@contextlib.contextmanager
def session_on(
    profile: Profile, machine: Machine, runs: Path, observer: Observer, interruption: Interruption
) -> Iterator[Session]:
    """Start Ray here, or join the profile's cluster.

    Raises:
        SweepInterruptedError: A signal came meanwhile.
        MachineError: Ray did not start, or there is no cluster.
    """
    if profile.address is None:
        with ray_session(machine, interruption) as folder:
            yield Session(profile, machine, folder)
    else:
        with cluster_session(profile.address, machine, interruption, runs) as folder:
            yield Session(profile, machine, folder, (NodeWatch(observer, profile.threads),))


def owned_job(
    owners: Sequence[TrackedTrial],
    wanted: Measurements,
    profile: Profile,
    machine: Machine,
    runs: Path,
) -> OwnedJob:
    """The job of a trial, for the places in studies that it is done for (at least one)."""
    first = owners[0]
    return OwnedJob(
        job=Job(
            trial=first.trial,
            wanted=wanted,
            trials_root=runs / "trials",
            cache=(profile.data_cache or runs / "data").resolve(),
            data_root=(profile.data_root or downloads_beside(runs / "data")).resolve(),
            device=machine.device,
            precision=machine.precision,
            threads=machine.threads,
            checkpoint_seconds=profile.checkpoint_seconds,
            keep=profile.keep,
            study=first.study,
            budget=first.budget,
            plugins=loaded_plugins(),
        ),
        owners=tuple(owners),
    )
