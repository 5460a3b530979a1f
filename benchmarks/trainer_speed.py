"""Images a second of the trainer beside plain PyTorch loops, on one core, in turns.

    python benchmarks/trainer_speed.py [--rounds 3] [--seconds 12]

Each side runs in a process of its own, pinned to the same core with one thread, and trains the
same networks with the same number of updates an iteration; ours in the environment that a sweep
gives its workers. Sides take turns, so that a slow minute of the machine meets all of them; what
is compared is each side's median over the rounds, by the clock and by the processor's seconds,
which other programs disturb less. Every iteration that was trained is counted but the first ones,
in which memory is taken for the first time.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
BATCH = 128
AT_ONCE = {"dcgan": 2, "mlp": 50}
"""Iterations between two looks at the clock; as many come first and do not count."""
TARGETS = {
    ("dcgan", "fp32"): 1.5, ("dcgan", "bf16"): 3.0,
    ("mlp", "fp32"): 2.0, ("mlp", "bf16"): 3.5,
}  # fmt: skip
"""Times the plain loop's images a second; with AMX, bf16 should reach 4 for DCGAN."""
NAMES = {"dcgan": "DCGAN 64x64", "mlp": "MLP 28x28"}
SIZES = {"dcgan": 64, "mlp": 28}

Train = Callable[[int], object]
"""Trains so many iterations more."""


def plain(kind: str, cache: Path, device: str = "cpu") -> Train:
    import plain_loops as peers

    size = SIZES[kind]
    # Images are read by the loop itself: a process beside it would share its one core.
    real = peers.batches(peers.digits(cache), size, BATCH, workers=0)
    on_device = (batch.to(device) for batch in real)
    if kind == "dcgan":
        networks, train = peers.dcgan_networks(64, 100, size), peers.dcgan_loop
    else:
        networks, train = peers.mlp_networks(100, size), peers.mlp_loop
    generator, discriminator = networks
    loop = train((generator.to(device), discriminator.to(device)), on_device, 100)
    return lambda iterations: [next(loop) for _ in range(iterations)]


def ours(
    kind: str, cache: Path, precision: str, device: str = "cpu", compiled: str | None = None
) -> Train:
    """The trainer; `compiled` is a mode of `torch.compile`."""
    from ganablate.gan.data import materialise
    from ganablate.gan.trainer import Trainer

    images = materialise("mnist_5k", SIZES[kind], data_root=None, cache=cache).images
    trainer = Trainer(settings(kind), images, device=device, precision=precision)
    if compiled is not None:
        trainer.generator.compile(mode=compiled)
        trainer.discriminator.compile(mode=compiled)
    return lambda iterations: trainer.train(trainer.iteration + iterations)


def settings(kind: str):
    from ganablate.catalog import NETWORKS
    from ganablate.config import TrialConfig

    own = {"optimizer": "adam", "lr": 2e-4, "beta1": 0.5, "beta2": 0.999, "weight_decay": 0.0}
    adam = {f"{net}_{name}": value for net in "gd" for name, value in own.items()}
    return TrialConfig(
        dataset="mnist_5k", image_size=SIZES[kind], network=kind, latent_dim=100, latent="normal",
        **{**NETWORKS[kind].defaults, "d_dropout": 0.0}, criterion="bce", d_steps=1, g_steps=1,
        **adam, batch_size=BATCH, iterations=10**6, seed=1,
    )  # fmt: skip


def measured(name: str, cache: Path, seconds: float) -> tuple[float, float]:
    """Images a second by the clock, and by this process's seconds of the processor."""
    import torch

    torch.set_num_threads(1)
    train, at_once = side_of(name, cache), AT_ONCE[name.partition(" ")[0]]
    train(at_once)
    began, began_cpu, iterations = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < seconds:
        train(at_once)
        iterations += at_once
    spent, spent_cpu = time.perf_counter() - began, time.process_time() - began_cpu
    return iterations * BATCH / spent, iterations * BATCH / spent_cpu


def _child(core: int, name: str, cache: Path, seconds: float, answer) -> None:
    os.sched_setaffinity(0, {core})
    answer.send(measured(name, cache, seconds))


def side_of(name: str, cache: Path) -> Train:
    kind, _, who = name.partition(" ")
    return plain(kind, cache) if who == "plain loop" else ours(kind, cache, who)


def in_process(name: str, cache: Path, seconds: float) -> tuple[float, float]:
    from ganablate.sweep.machine import worker_environment

    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    core = max(os.sched_getaffinity(0))
    child = context.Process(target=_child, args=(core, name, cache, seconds, sender))
    with mock.patch.dict(os.environ, {} if name.endswith("plain loop") else worker_environment(1)):
        child.start()
    sender.close()
    result: tuple[float, float] = receiver.recv()
    child.join()
    return result


def main() -> None:
    from figures import Figure, tell

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0)
    given = parser.parse_args()
    sides = [f"{kind} {who}" for kind in NAMES for who in ("plain loop", "fp32", "bf16")]
    rounds: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory(prefix="ganablate-bench-") as folder:
        for _ in range(given.rounds):
            for side in sides:
                rounds[side].append(in_process(side, Path(folder), given.seconds))
    print(f"images a second, one core, batch {BATCH}, median of {given.rounds} rounds [range]")
    for side in sides:
        kind, _, who = side.partition(" ")
        speeds, of_cpu = zip(*rounds[side], strict=True)
        speed, cpu = statistics.median(speeds), statistics.median(of_cpu)
        line = f"  {kind:6} {who:10} {speed:9.1f} [{min(speeds):.1f}, {max(speeds):.1f}]"
        seconds_of = f"{BATCH / cpu:.4f} CPU s a step"
        if who == "plain loop":
            plain_speed, plain_cpu = speed, cpu
            print(f"{line}  {seconds_of}")
            beside = f"plain loop in fp32, {speed:,.1f} images/s, {seconds_of}"
            continue
        target = TARGETS[kind, who]
        ratio, by_cpu = speed / plain_speed, cpu / plain_cpu
        print(f"{line}  {seconds_of}  x{ratio:.2f}, by CPU x{by_cpu:.2f}, target x{target}")
        what = f"trainer, {NAMES[kind]}, {who}, {speed:,.1f} images/s, {seconds_of}"
        tell(Figure(what=what, value=by_cpu, unit="x", limit=target, at_least=True, beside=beside))


if __name__ == "__main__":
    main()
