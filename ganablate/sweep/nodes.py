"""What the nodes of a cluster offer and how a profile divides it among trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ganablate.sweep.machine import Machine, MachineError, wants_cuda
from ganablate.sweep.profile import Profile


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node that can run trials.

    Attributes:
        cpus: CPUs that Ray hands out there.
        gpus: GPUs that Ray hands out there.
        native: Devices there that multiply bf16 natively.
    """

    cpus: int
    gpus: int = 0
    native: tuple[str, ...] = ()


def resolve_on(
    nodes: Sequence[Node], profile: Profile, *, trials: int, cuda_named: bool = False
) -> Machine:
    """Divide the nodes of a cluster as the profile says.

    Args:
        nodes: As `look_at_nodes` found them.
        profile: The sweep's profile.
        trials: Trials to run.
        cuda_named: Some trial names the device `cuda` itself.

    Raises:
        MachineError: CUDA is named and there is none, or no node has room for one trial.
    """
    wanted = wants_cuda(profile, cuda_named=cuda_named)
    roomy = [one for one in nodes if one.cpus >= profile.threads]
    with_gpus = [one for one in roomy if one.gpus and wanted]
    if not roomy:
        most = max(one.cpus for one in nodes)
        raise MachineError(f"threads: {profile.threads}, and the largest node gives {most} CPUs")
    if not with_gpus and (cuda_named or profile.device == "cuda"):
        who = "a trial" if cuda_named else "the sweep"
        raise MachineError(f"{who} names the device cuda, and no node of the cluster gives a GPU")
    device: Literal["cpu", "cuda"] = "cuda" if with_gpus and profile.device != "cpu" else "cpu"
    most = sum(_slots(one, profile, gpus=bool(with_gpus)) for one in with_gpus or roomy)
    if profile.concurrency != "cores":
        most = min(most, profile.concurrency)
    natively = all(device in one.native for one in with_gpus or roomy)
    return Machine(
        device=device,
        precision=profile.precision if profile.precision != "auto" else _bf16_if(natively),
        slots=min(most, trials),
        threads=profile.threads,
        gpus=sum(one.gpus for one in with_gpus),
        gpu_share=1.0 / profile.trials_per_gpu if with_gpus else 0.0,
        largest_node=max(one.cpus for one in roomy),
    )


def _slots(one: Node, profile: Profile, *, gpus: bool) -> int:
    on_cpus = one.cpus // profile.threads
    return min(on_cpus, one.gpus * profile.trials_per_gpu) if gpus else on_cpus


def _bf16_if(natively: bool) -> Literal["fp32", "bf16"]:
    return "bf16" if natively else "fp32"
