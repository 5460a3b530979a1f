"""Train a shipped feature extractor: python -m ganablate.metrics.train_extractor NAME.

First a classifier is trained, then the projection of its layers is fitted that makes the features.
It writes the weights and their card beside this module. The same seed, torch version and kind of
machine give the same file: one thread, deterministic algorithms, random numbers by seed. Progress
goes to the log. On one core mnist_classifier takes about three minutes, fashion_mnist_classifier
about eight, cifar10_classifier about twelve.
"""

import argparse
import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad

from ganablate.catalog import DATASETS, EXTRACTORS
from ganablate.files import replacing, write_text
from ganablate.metrics import projection
from ganablate.metrics.classifier import DIMENSIONS, NETWORKS, PENULTIMATE, Classifier
from ganablate.metrics.extractors import features_of
from ganablate.metrics.features import Images
from ganablate.metrics.known_order import distances, effective_dimension, out_of_order
from ganablate.metrics.weight_files import WEIGHTS, Card, file_sha256

BATCH = 128

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one extractor is trained; its network is that of `classifier.NETWORKS`.

    Attributes:
        dataset: of the catalog, with a test split.
        architecture: the network in words, for the card.
        epochs: how often every image is seen.
        learning_rate: the highest of the cycle.
        shift: pixels that training images move at most, each way.
        flip: whether training images are mirrored, left for right, at random.
        small: whether products are taken in bfloat16 while training, and weights stored in
            float16; the accuracy on the card is the file's.
    """

    dataset: str
    architecture: str
    epochs: int
    learning_rate: float
    shift: int = 2
    flip: bool = True
    small: bool = True


_ENDS = f"linear to {PENULTIMATE}, leaky ReLU; linear to 10. Features: {DIMENSIONS} projections of "
_PLAIN = (
    f"3 x (3x3 convolution, 2x2 max pooling, leaky ReLU) of 16, 32, 64 channels; {_ENDS}"
    "the second and third maps, averaged over 4x4 and 3x3 cells, and the 64"
)
_RESIDUAL = (
    "3x3 convolutions with batch norm and leaky ReLU: 32 and 64 channels, each 2x2 max pooled; "
    f"a residual block of two of 64; one of 64, 2x2 max pooled; average; {_ENDS}"
    "the maps of the residual block and of the last convolution, averaged over 2x2 cells, and the "
    "64"
)

RECIPES: dict[str, Recipe] = {
    "mnist_classifier": Recipe(
        dataset="mnist", architecture=_PLAIN, epochs=12, learning_rate=2e-3, flip=False, small=False
    ),
    "fashion_mnist_classifier": Recipe(
        dataset="fashion_mnist", architecture=_RESIDUAL, epochs=10, learning_rate=5e-3
    ),
    "cifar10_classifier": Recipe(
        dataset="cifar10", architecture=_RESIDUAL, epochs=20, learning_rate=5e-3, shift=4
    ),
}
"""By the extractor's name in the catalog."""


def images_of(dataset: str, root: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    """A split as the catalog's reader has it: images uint8 [n, c, h, w], labels int64 [n].

    Raises as the reader does.
    """
    line = DATASETS[dataset]
    if not train:
        assert line.test is not None
        line = replace(line, implementation=line.test)
    images, labels = line.load()(root)
    return torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels)


def shifted(images: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    """Each image [n, c, h, w] moved by its own whole pixels, the border filled with 0.

    Args:
        images: [n, c, h, w].
        shift: pixels that an image moves at most, each way.
        generator: what the moves are drawn from.
    """
    n, _, height, width = images.shape
    padded = pad(images, [shift] * 4).permute(0, 2, 3, 1)
    offset = torch.randint(2 * shift + 1, (2, n, 1), generator=generator)
    rows = (offset[0] + torch.arange(height))[:, :, None]
    columns = (offset[1] + torch.arange(width))[:, None, :]
    return padded[torch.arange(n)[:, None, None], rows, columns].permute(0, 3, 1, 2)


def flipped(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image [n, c, h, w] mirrored, left for right, with a chance of one half."""
    mirror = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(mirror[:, None, None, None], images.flip(3), images)


def _as_input(images: Tensor) -> Tensor:
    return images.to(torch.float32) / 255


def accuracy(network: Classifier, images: Tensor, labels: Tensor) -> float:
    """Share of the uint8 images that the network, in evaluation mode, puts in their class."""
    network.eval()
    with torch.inference_mode():
        batches = (_as_input(images[start : start + 500]) for start in range(0, len(images), 500))
        guesses = torch.cat([network(batch).argmax(1) for batch in batches])
    return (guesses == labels).double().mean().item()


def train(name: str, images: Tensor, labels: Tensor, *, epochs: int, seed: int) -> Classifier:
    """Train on all images, uint8 [n, c, h, w], by AdamW, one cycle of the learning rate."""
    recipe = RECIPES[name]
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    # In this layout the CPU is twice as fast.
    network = NETWORKS[name]().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=1e-2)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=epochs * steps
    )
    for epoch in range(epochs):
        network.train()
        total = 0.0
        order = torch.randperm(len(images), generator=generator)
        for start in range(0, steps * BATCH, BATCH):
            chosen = order[start : start + BATCH]
            inputs = shifted(_as_input(images[chosen]), recipe.shift, generator)
            if recipe.flip:
                inputs = flipped(inputs, generator)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.small):
                logits = network(inputs)
            loss = cross_entropy(logits.float(), labels[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            total += loss.item()
        _log.info("epoch %d of %d: mean loss %.4f", epoch + 1, epochs, total / steps)
    return network


def _rounded(network: Classifier) -> dict[str, Tensor]:
    """The weights in float16; the network goes on with them as they were rounded."""
    state = network.state_dict()
    state = {
        key: value.half() if value.is_floating_point() else value for key, value in state.items()
    }
    network.load_state_dict(state)
    return state


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, test on the whole test split, write weights and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--data-root", type=Path, default=Path("runs/downloads"))
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--epochs", type=int, help="else those of the recipe")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--refit", action="store_true", help="keep the classifier, fit the projection alone"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    recipe = RECIPES[options.name]
    epochs = options.epochs or recipe.epochs
    images, labels = images_of(recipe.dataset, options.data_root, train=True)
    tested = images_of(recipe.dataset, options.data_root, train=False)
    path = options.out / f"{options.name}.safetensors"
    if options.refit:
        network = NETWORKS[options.name]()
        network.load_state_dict(network.state_dict() | _without_projection(path))
    else:
        network = train(options.name, images, labels, epochs=epochs, seed=options.seed)
    if recipe.small:
        _rounded(network)
    projection.fit(network, _rows(images), options.seed)
    state = _rounded(network) if recipe.small else network.state_dict()
    with replacing(path) as temporary:
        contiguous = {key: value.contiguous() for key, value in state.items()}
        safetensors.torch.save_file(contiguous, temporary)
    facts = {
        "extractor": options.name,
        "architecture": recipe.architecture,
        "inputs": f"{[*images.shape[1:]]} in [0, 1], fp32".replace("[", "[n, ", 1),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "dimensions": DIMENSIONS,
        "classes": network.head.out_features,
        **_measured(network, images, labels, *tested),
        "n_train": len(images),
        "n_test": len(tested[0]),
        "seed": options.seed,
        "epochs": epochs,
        "torch_version": torch.__version__,
        "command": f"python -m ganablate.metrics.train_extractor {options.name} "
        f"--epochs {epochs} --seed {options.seed}",
        "sha256": file_sha256(path),
    }
    card = Card.model_validate(facts)
    write_text(path.with_suffix(".json"), card.model_dump_json(indent=2) + "\n")
    _log.info("test accuracy %.4f, sha256 %s", card.test_accuracy, card.sha256)
    for fault in out_of_order(card.distances):
        _log.warning("not fit to ship: %s", fault)
    if not card.sha256.startswith(EXTRACTORS[options.name].sha256):
        _log.warning("to ship it, write %s into ganablate/catalog/metrics.py", card.sha256[:8])


def _rows(images: Tensor) -> Images:
    """Images uint8 [n, c, h, w] as [n, h, w, c]."""
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).numpy())


def _without_projection(path: Path) -> dict[str, Tensor]:
    """The weights of the classifier in a file, in float32."""
    state = safetensors.torch.load_file(path)
    kept = (key for key in state if key not in ("centre", "projection"))
    return {key: state[key].float() for key in kept}


def _measured(
    network: Classifier, images: Tensor, labels: Tensor, test_images: Tensor, test_labels: Tensor
) -> dict[str, Any]:
    """What the card says of the network: accuracy, effective dimension, distances."""
    extract = functools.partial(features_of, network, size=images.shape[2])
    held_out = _rows(test_images)
    return {
        "test_accuracy": accuracy(network, test_images, test_labels),
        "effective_dimension": effective_dimension(extract(held_out)),
        "distances": distances(extract, held_out, _rows(images), labels.numpy()),
    }


if __name__ == "__main__":
    main()
