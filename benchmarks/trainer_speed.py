"""Images a second of the trainer beside plain PyTorch loops, on one core, in turns.

    python benchmarks/trainer_speed.py [--rounds 3] [--seconds 12]

Each side runs in a process of its own, pinned to the same core with one thread, and trains the
same networks with the same number of updates an iteration; ours in the environment that a sweep
gives its workers. Sides take turns, so that a slow minute of the machine meets all of them; what
is compared is each side's median over the rounds. The first iterations, in which memory is taken
for the first time, do not count.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
WARM_UP = {"dcgan": 4, "mlp": 100}
"""Iterations that do not count."""

BATCH = 128
TARGETS = {"dcgan": 3.0, "mlp": 2.0}
NAMES = {"dcgan": "DCGAN 64x64", "mlp": "MLP 28x28"}
SIZES = {"dcgan": 64, "mlp": 28}


def plain(kind: str, cache: Path) -> Iterator[object]:
    import plain_loops as peers

    size = SIZES[kind]
    workers = 2 if kind == "dcgan" else 0
    real = peers.batches(peers.digits(cache), size, BATCH, workers)
    if kind == "dcgan":
        return peers.dcgan_loop(peers.dcgan_networks(64, 100, size), real, 100)
    return peers.mlp_loop(peers.mlp_networks(100, size), real, 100)


def ours(kind: str, cache: Path, precision: str) -> Iterator[object]:
    from ganablate.gan.data import materialise
    from ganablate.gan.trainer import Trainer

    images = materialise("mnist_5k", SIZES[kind], data_root=None, cache=cache).images
    trainer = Trainer(settings(kind), images, device="cpu", precision=precision)
    while True:
        trainer.train(trainer.iteration + (100 if kind == "mlp" else 1))
        yield from [None] * (100 if kind == "mlp" else 1)


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


def measured(name: str, cache: Path, seconds: float) -> float:
    """Images a second after the first iterations, for about so many seconds."""
    import torch

    torch.set_num_threads(1)
    iterations = side_of(name, cache)
    for _ in range(WARM_UP[name.partition(" ")[0]]):
        next(iterations)
    began, done = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        next(iterations)
        done += 1
    return done * BATCH / spent


def _child(core: int, name: str, cache: Path, seconds: float, answer) -> None:
    os.sched_setaffinity(0, {core})
    answer.send(measured(name, cache, seconds))


def side_of(name: str, cache: Path) -> Iterator[object]:
    kind, _, who = name.partition(" ")
    return plain(kind, cache) if who == "plain loop" else ours(kind, cache, who)


def in_process(name: str, cache: Path, seconds: float) -> float:
    from ganablate.sweep.machine import worker_environment

    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    core = max(os.sched_getaffinity(0))
    child = context.Process(target=_child, args=(core, name, cache, seconds, sender))
    with mock.patch.dict(os.environ, {} if name.endswith("plain loop") else worker_environment(1)):
        child.start()
    sender.close()
    result: float = receiver.recv()
    child.join()
    return result


def main() -> None:
    from figures import Figure, tell

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=12.0)
    given = parser.parse_args()
    sides = [f"{kind} {who}" for kind in TARGETS for who in ("plain loop", "fp32", "bf16")]
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory(prefix="ganablate-bench-") as folder:
        for _ in range(given.rounds):
            for side in sides:
                speeds[side].append(in_process(side, Path(folder), given.seconds))
    print(f"images a second, one core, batch {BATCH}, median of {given.rounds} rounds [range]")
    for side in sides:
        kind, _, who = side.partition(" ")
        values = speeds[side]
        middle = statistics.median(values)
        ratio = middle / statistics.median(speeds[f"{kind} plain loop"])
        line = f"  {kind:6} {who:10} {middle:9.1f} [{min(values):.1f}, {max(values):.1f}]"
        if who == "plain loop":
            print(line)
            beside = f"plain loop in fp32, {middle:,.1f} images/s"
            continue
        print(f"{line}  x{ratio:.2f}, target x{TARGETS[kind]}")
        limit = TARGETS[kind] if who == "bf16" else None
        what = f"trainer, {NAMES[kind]}, {who}, {middle:,.1f} images/s"
        tell(Figure(what=what, value=ratio, unit="x", limit=limit, at_least=True, beside=beside))


if __name__ == "__main__":
    main()
