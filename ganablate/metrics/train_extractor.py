"""Train a shipped feature extractor: python -m ganablate.metrics.train_extractor NAME.

It writes the weights and their card beside this module. The same seed, torch version and kind of
machine give the same file: one thread, deterministic algorithms, random numbers by seed. Progress
goes to the log. mnist_classifier takes about three minutes on one core.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import safetensors.torch
import torch
import torchvision
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from ganablate.atomic_write import replacing, write_text
from ganablate.metrics.card import WEIGHTS, Card, file_sha256
from ganablate.metrics.classifier import EMBEDDING, DigitClassifier

SETS = {"mnist_classifier": torchvision.datasets.MNIST}
"""Torchvision data set of each extractor, by its name in the catalog."""

BATCH = 128
LEARNING_RATE = 2e-3
SHIFT = 2
"""Pixels that training images move at most, each way."""

_log = logging.getLogger(__name__)


def _load(name: str, root: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    data = SETS[name](root, train=train, download=True)
    return data.data[:, None].to(torch.float32) / 255, data.targets


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image [n, c, h, w] moved by its own whole pixels, the border filled with 0."""
    n, _, height, width = images.shape
    padded = pad(images, [SHIFT] * 4).permute(0, 2, 3, 1)
    offset = torch.randint(2 * SHIFT + 1, (2, n, 1), generator=generator)
    rows = (offset[0] + torch.arange(height))[:, :, None]
    columns = (offset[1] + torch.arange(width))[:, None, :]
    return padded[torch.arange(n)[:, None, None], rows, columns].permute(0, 3, 1, 2)


def accuracy(network: DigitClassifier, images: Tensor, labels: Tensor) -> float:
    """Share of the images that the network, in evaluation mode, puts in their class."""
    network.eval()
    with torch.inference_mode():
        batches = (images[start : start + 500] for start in range(0, len(images), 500))
        guesses = torch.cat([network(batch).argmax(1) for batch in batches])
    return (guesses == labels).double().mean().item()


def train(images: Tensor, labels: Tensor, *, epochs: int, seed: int) -> DigitClassifier:
    """Train on all images [n, c, 28, 28] in [0, 1] by AdamW, one cycle of the learning rate."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = DigitClassifier(channels=images.shape[1], classes=int(labels.max()) + 1)
    network = network.to(memory_format=torch.channels_last)  # twice as fast as the default layout
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * steps
    )
    for epoch in range(epochs):
        network.train()
        total = 0.0
        order = torch.randperm(len(images), generator=generator)
        for start in range(0, steps * BATCH, BATCH):
            chosen = order[start : start + BATCH]
            loss = cross_entropy(network(shifted(images[chosen], generator)), labels[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.item()
        _log.info("epoch %d of %d: mean loss %.4f", epoch + 1, epochs, total / steps)
    return network


def _write(name: str, network: DigitClassifier, card: dict[str, object], out: Path) -> Card:
    path = out / f"{name}.safetensors"
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    with replacing(path) as temporary:
        safetensors.torch.save_file(state, temporary)
    facts = Card.model_validate(card | {"extractor": name, "sha256": file_sha256(path)})
    write_text(path.with_suffix(".json"), facts.model_dump_json(indent=2) + "\n")
    return facts


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, test on the whole test split, write weights and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(SETS))
    parser.add_argument("--data-root", type=Path, default=Path("runs/downloads"))
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    images, labels = _load(options.name, options.data_root, train=True)
    test_images, test_labels = _load(options.name, options.data_root, train=False)
    network = train(images, labels, epochs=options.epochs, seed=options.seed)
    card: dict[str, object] = {
        "architecture": "3 x (3x3 convolution, 2x2 max pooling, leaky ReLU) of 16, 32, 64; "
        f"linear to {EMBEDDING}, leaky ReLU (the embedding); linear to {network.head.out_features}",
        "inputs": "[n, 1, 28, 28] in [0, 1], fp32",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "embedding": EMBEDDING,
        "classes": network.head.out_features,
        "test_accuracy": accuracy(network, test_images, test_labels),
        "n_train": len(images),
        "n_test": len(test_images),
        "seed": options.seed,
        "epochs": options.epochs,
        "torch_version": torch.__version__,
        "command": f"python -m ganablate.metrics.train_extractor {options.name} "
        f"--epochs {options.epochs} --seed {options.seed}",
    }
    facts = _write(options.name, network, card, options.out)
    _log.info("test accuracy %.4f, sha256 %s", facts.test_accuracy, facts.sha256)


if __name__ == "__main__":
    main()
