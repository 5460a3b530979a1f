"""Whether the faster trainer ends at the same FID as a plain loop, and bf16 at the same as fp32.

    python benchmarks/trainer_equivalence.py [--network mlp] [--replicates 8] [--iterations 1560]

Two networks are trained by a plain PyTorch loop and by the trainer in fp32 and in bf16, each from
its own seeds, for 1,560 iterations of 32 images, which are 10 epochs of `mnist_5k`. `dcgan` is the
quickstart's baseline of width 16. Nets this narrow need torch's own initial weights and a rate of
1e-3: at DCGAN's 2e-4 and N(0, 0.02) the FID of 8 runs spread by half of itself, which shows
nothing. `mlp` is that of `trainer_speed.py`, of width 1024 and without dropout, at the rate 2e-4.
Equal means: the 90 % interval of the ratio of FIDs lies within 1/1.25 and 1.25 (two one-sided
tests at 5 %), which is the margin that studies take unless they argue for another.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

MARGIN = 1.25
BATCH, LATENT, WIDTH, SIZE = 32, 100, 16, 28
LR = {"dcgan": 1e-3, "mlp": 2e-4}
FAKES = 5_000


def plain_loop(network: str, images: np.ndarray, seed: int, iterations: int) -> np.ndarray:
    import plain_loops as peers
    import torch

    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - as plain loops do
    real = peers.batches(images, SIZE, BATCH, workers=0)
    if network == "mlp":
        networks, point = peers.mlp_networks(LATENT, SIZE), (LATENT,)
        loop = peers.mlp_loop(networks, real, LATENT)
    else:
        networks, point = peers.dcgan_networks(WIDTH, LATENT, SIZE, deviation=None), (LATENT, 1, 1)
        loop = peers.dcgan_loop(networks, real, LATENT, LR["dcgan"])
    for _ in range(iterations):
        next(loop)
    generator = networks[0].eval()
    with torch.inference_mode():
        fakes = torch.cat([generator(torch.randn(500, *point)) for _ in range(FAKES // 500)])
    pixels = fakes.add(1).div(2).mul(255).round().to(torch.uint8)
    return pixels.permute(0, 2, 3, 1).numpy()


def trainer(precision: str) -> Callable[[str, np.ndarray, int, int], np.ndarray]:
    def train(network: str, images: np.ndarray, seed: int, iterations: int) -> np.ndarray:
        from trainer_speed import settings

        from ganablate.gan.trainer import Trainer

        lr = LR[network]
        changes = {"batch_size": BATCH, "init": "torch", "g_lr": lr, "d_lr": lr, "seed": seed}
        if network == "dcgan":
            changes |= {"image_size": SIZE, "g_width": WIDTH, "d_width": WIDTH}
        config = settings(network).model_copy(update={**changes, "iterations": iterations})
        made = Trainer(config, images, device="cpu", precision=precision)
        made.train(iterations)
        return made.sample(FAKES, "evaluation")

    return train


SIDES = {"plain loop": plain_loop, "fp32": trainer("fp32"), "bf16": trainer("bf16")}


def fid_of(network: str, side: str, seed: int, iterations: int, cache: Path) -> float:
    import plain_loops as peers
    import torch

    from ganablate.metrics.distances import fid
    from ganablate.metrics.extractors import mnist_classifier

    torch.set_num_threads(1)
    images = peers.digits(cache)
    fakes = SIDES[side](network, images, seed, iterations)
    return fid(mnist_classifier(images), mnist_classifier(fakes))["fid"]


def main() -> None:
    from figures import Figure, tell

    from ganablate.report.stats.statistics import summary, welch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=list(LR), default="dcgan")
    parser.add_argument("--replicates", type=int, default=8)
    parser.add_argument("--iterations", type=int, default=1560)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ganablate-bench-") as folder:
        import plain_loops as peers

        peers.digits(Path(folder))  # once, before the processes share it
        jobs = [
            (given.network, side, 1_000 * number + seed, given.iterations, Path(folder))
            for seed in range(given.replicates)
            for number, side in enumerate(SIDES)
        ]
        with get_context("spawn").Pool(given.processes) as pool:
            found = pool.starmap(fid_of, jobs, chunksize=1)
    numbers = {side: np.array(found[number :: len(SIDES)]) for number, side in enumerate(SIDES)}
    print(
        f"FID of {given.network} after {given.iterations} iterations, n = {given.replicates} a side"
    )
    for side, values in numbers.items():
        print(f"  {side:10} {values.mean():6.1f} +- {values.std(ddof=1):.1f}")
    for ours, theirs in (("fp32", "plain loop"), ("bf16", "plain loop"), ("bf16", "fp32")):
        ratio = welch(summary(np.log(numbers[ours])), summary(np.log(numbers[theirs])))
        low, high = (float(np.exp(end)) for end in ratio.interval(0.90))
        p = float(ratio.p_equivalent(np.log(MARGIN)))
        verdict = "equivalent" if p <= 0.05 else "cannot tell"
        print(
            f"  {ours} / {theirs}: x{np.exp(ratio.estimate):.3f} [{low:.3f}, {high:.3f}] at 90 %, "
            f"p of equivalence within x{MARGIN} {p:.4f}: {verdict}"
        )
        tell(
            Figure(
                what=f"FID, {given.network}, {ours} / {theirs}, n = {given.replicates}",
                value=float(np.exp(ratio.estimate)),
                unit="x",
                beside=f"90 % [{low:.3f}, {high:.3f}], margin x{MARGIN}: {verdict}",
            )
        )


if __name__ == "__main__":
    main()
