"""The shipped feature extractors of catalog.EXTRACTORS.

They run on the CPU in fp32 wherever the trial was trained, so that one protocol has one meaning.
"""

import functools

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganablate.catalog import EXTRACTORS
from ganablate.metrics.card import WEIGHTS, Card
from ganablate.metrics.classifier import NETWORKS, Classifier
from ganablate.metrics.errors import MetricError
from ganablate.metrics.features import Features, Images

BATCH = 500


@functools.cache
def card_of(name: str) -> Card:
    """The card of a shipped extractor, checked against its weight file once a process.

    Raises:
        MetricError: if weights or card are absent or do not belong together.
    """
    return Card.of(WEIGHTS / EXTRACTORS[name].weights)


@functools.cache
def _classifier(name: str) -> Classifier:
    card_of(name)  # checks the file
    network = NETWORKS[name]()
    state = safetensors.torch.load_file(WEIGHTS / EXTRACTORS[name].weights)
    network.load_state_dict({key: value.float() for key, value in state.items()})
    # In this layout the CPU takes half the time.
    return network.to(memory_format=torch.channels_last).eval().requires_grad_(requires_grad=False)


def _check(name: str, images: Images) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise MetricError(
            f"{name} takes uint8 images [n, height, width, channels], at least one; "
            f"these are {images.dtype} {list(images.shape)}"
        )
    channels = EXTRACTORS[name].channels
    if images.shape[3] != channels:
        raise MetricError(
            f"{name} was trained on images with {channels} channel(s), these have "
            f"{images.shape[3]}: a conversion would make another protocol"
        )


def _as_input(images: Images, size: int) -> Tensor:
    """Float32 [n, channels, size, size] in [0, 1]; resized by bilinear interpolation, antialiased.

    The resized values are not rounded to 256 levels again.
    """
    # A copy, because torch does not take the read-only pages of a memory map.
    scaled = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).to(torch.float32) / 255
    if scaled.shape[2:] != (size, size):
        scaled = interpolate(scaled, (size, size), mode="bilinear", antialias=True)
    return scaled.contiguous()


def _classify(name: str, images: Images, batch: int = BATCH) -> Features:
    _check(name, images)
    network, size = _classifier(name), EXTRACTORS[name].image_size
    embeddings, probabilities = [], []
    # The caller may be inside a bf16 autocast of its own.
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        for start in range(0, len(images), batch):
            features = network.embed(_as_input(images[start : start + batch], size))
            embeddings.append(features)
            probabilities.append(network.head(features).softmax(1))
    return Features(torch.cat(embeddings).numpy(), torch.cat(probabilities).numpy())


def mnist_classifier(images: Images) -> Features:
    """Features and class probabilities of grey images by the shipped MNIST classifier.

    It measures grey folders of any kind too; there its classes mean nothing.

    Args:
        images: uint8 [n, height, width, 1], bright strokes on black, resized to 28x28 if needed.

    Returns:
        embeddings [n, 64] and probabilities [n, 10].

    Raises:
        MetricError: for images with other channels or no images, or if the weights are damaged.
    """
    return _classify("mnist_classifier", images)


def fashion_mnist_classifier(images: Images) -> Features:
    """Features and class probabilities of grey images by the shipped Fashion-MNIST classifier.

    Args:
        images: uint8 [n, height, width, 1], bright clothes on black, resized to 28x28 if needed.

    Returns:
        embeddings [n, 64] and probabilities [n, 10].

    Raises:
        MetricError: for images with other channels or no images, or if the weights are damaged.
    """
    return _classify("fashion_mnist_classifier", images)


def cifar10_classifier(images: Images) -> Features:
    """Features and class probabilities of colour images by the shipped CIFAR-10 classifier.

    It measures every colour data set; of others than CIFAR-10 its classes say nothing, and details
    below a 32nd of the image's side are not seen.

    Args:
        images: uint8 [n, height, width, 3], red, green, blue, resized to 32x32 if needed.

    Returns:
        embeddings [n, 64] and probabilities [n, 10].

    Raises:
        MetricError: for images with other channels or no images, or if the weights are damaged.
    """
    return _classify("cifar10_classifier", images)
