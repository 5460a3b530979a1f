"""The feature extractors: the shipped classifiers, and larger networks that studies name.

The shipped ones run on the CPU in fp32 wherever the trial was trained, so that one protocol has
one meaning.
"""

import functools
import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ganablate.catalog import EXTRACTORS
from ganablate.metrics.classifier import NETWORKS, Classifier
from ganablate.metrics.features import Features, Images, MetricError
from ganablate.metrics.weight_files import WEIGHTS, Card, weights_of

BATCH = 125
NAMED_BATCH = {"cpu": 5, "cuda": 50}
"""Images at a time for the larger networks: few, for they then stay in a processor's caches."""


@functools.cache
def card_of(name: str) -> Card:
    """The card of a shipped extractor, checked against its weight file once a process.

    Raises:
        MetricError: weights or card are absent, or they and the catalog do not belong together.
    """
    line = EXTRACTORS[name]
    card = Card.of(WEIGHTS / line.weights)
    if not card.sha256.startswith(line.sha256):
        raise MetricError(
            f"{WEIGHTS / line.weights} has sha256 {card.sha256[:8]}, the catalog says "
            f"{line.sha256}: protocols would name other weights; correct the catalog or the file"
        )
    return card


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
    """Features by the shipped Fashion-MNIST classifier, as `mnist_classifier`: clothes on black."""
    return _classify("fashion_mnist_classifier", images)


def cifar10_classifier(images: Images) -> Features:
    """Features by the shipped CIFAR-10 classifier, as `mnist_classifier`, of colour images.

    It measures every colour data set; of others than CIFAR-10 its classes say nothing, and details
    below a 32nd of the image's side are not seen: images are resized to 32x32.
    """
    return _classify("cifar10_classifier", images)


def _classify(name: str, images: Images) -> Features:
    _check_images(name, images)
    line = EXTRACTORS[name]
    if images.shape[3] != line.channels:
        raise MetricError(
            f"{name} was trained on images with {line.channels} channel(s), these have "
            f"{images.shape[3]}: a conversion would make another protocol"
        )
    return features_of(_classifier(name), images, line.image_size)


def features_of(network: Classifier, images: Images, size: int) -> Features:
    """What a network in evaluation mode sees in images uint8 [n, h, w, c], resized if needed."""
    outputs = []
    # The caller may be inside a bf16 autocast of its own.
    with torch.inference_mode(), torch.autocast("cpu", enabled=False):
        for start in range(0, len(images), BATCH):
            features, logits = network.look(as_input(images[start : start + BATCH], size))
            outputs.append([features, logits.softmax(1)])
    return _joined(outputs)


@functools.cache
def _classifier(name: str) -> Classifier:
    card_of(name)  # checks the file
    network = NETWORKS[name]()
    state = safetensors.torch.load_file(WEIGHTS / EXTRACTORS[name].weights)
    network.load_state_dict({key: value.float() for key, value in state.items()})
    # In this layout the CPU takes half the time.
    return network.to(memory_format=torch.channels_last).eval().requires_grad_(requires_grad=False)


def as_input(images: Images, size: int) -> Tensor:
    """Float32 [n, channels, size, size] in [0, 1]; resized by bilinear interpolation, antialiased.

    The resized values are not rounded to 256 levels again.
    """
    # A copy, because torch does not take the read-only pages of a memory map.
    scaled = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).to(torch.float32) / 255
    if scaled.shape[2:] != (size, size):
        scaled = interpolate(scaled, (size, size), mode="bilinear", antialias=True)
    return scaled.contiguous()


def inception(images: Images, data_root: Path | None, device: str) -> Features:
    """Features and class probabilities of images by Inception-v3 of 2015-12-05.

    It is torch-fidelity's network: with its features published FIDs are measured. The network
    resizes images to 299x299 itself, as TensorFlow 1 did for those. Its weights (95 MB) do not
    ship. They were not at hand when this was written: the tests run the network with random weights
    and compare this function with a direct call, and no FID of it was compared with a published
    one. It runs on the trial's device, always in fp32: on one CPU core an image takes about a
    quarter of a second, so that the 5,000 of a trial take 20 minutes, and the 10,000 real ones 40,
    once.

    Args:
        images: uint8 [n, height, width, 1 or 3], any size; grey ones become three equal channels.
        data_root: with the folder `inception` that holds the weights; None: none.
        device: "cpu" or "cuda".

    Returns:
        embeddings [n, 2048], and probabilities [n, 1008] from the logits without bias.

    Raises:
        MetricError: for other images, or weights that cannot be had or read.

    Source: Heusel et al. 2017, arXiv 1706.08500; Salimans et al. 2016, arXiv 1606.03498.
    """
    return _see("inception", images, data_root, device)


def clip(images: Images, data_root: Path | None, device: str) -> Features:
    """Features of images by CLIP's ViT-B/32 through torch-fidelity, as `inception`.

    Its weights (338 MB) were not at hand either. They are TorchScript, which holds code, so the
    whole sha256 is checked before they are opened.

    Returns:
        embeddings [n, 512], and no probabilities.

    Source: Radford et al. 2021, arXiv 2103.00020; Kynkaanniemi et al. 2023, arXiv 2203.06026.
    """
    return _see("clip", images, data_root, device)


def efficientnet(images: Images, data_root: Path | None, device: str) -> Features:
    """Features and class probabilities by EfficientNet-Lite0 of ImageNet, as `inception`.

    Its weights (19 MB) come with their package, and no data root is looked at. Images are resized
    to 224x224 as `as_input` does, without a crop. On one CPU core an image takes a fiftieth of a
    second.

    Returns:
        embeddings [n, 1280], the last layer's means over the image; probabilities [n, 1000].

    Source: Tan and Le 2019, arXiv 1905.11946.
    """
    return _see("efficientnet", images, data_root, device)


Network = Callable[[Tensor], tuple[Tensor, ...]]
"""f(uint8 [n, 3, h, w]) -> embeddings [n, d], and logits [n, classes] if it is a classifier."""


def _see(name: str, images: Images, data_root: Path | None, device: str) -> Features:
    _check_images(name, images)
    if images.shape[3] not in (1, 3):
        raise MetricError(f"{name} takes images with 1 or 3 channels, not {images.shape[3]}")
    network = _network(name, weights_of(name, data_root), device)
    outputs = []
    kind = torch.device(device).type
    # The caller may be inside a bf16 autocast, and cuDNN would take TF32 for fp32.
    with (
        torch.inference_mode(),
        torch.autocast(kind, enabled=False),
        torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
    ):
        for start in range(0, len(images), NAMED_BATCH[kind]):
            # A copy, because torch does not take the read-only pages of a memory map.
            batch = torch.from_numpy(np.array(images[start : start + NAMED_BATCH[kind]])).to(device)
            embeddings, *logits = network(batch.permute(0, 3, 1, 2).expand(-1, 3, -1, -1))
            outputs.append([embeddings.cpu(), *(some.softmax(1).cpu() for some in logits)])
    return _joined(outputs)


@functools.cache
def _network(name: str, path: Path, device: str) -> Network:
    try:
        with torch.random.fork_rng(devices=[]):  # it draws initial weights before it loads these
            return _NETWORKS[name](path, device)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise MetricError(f"extractor {name}: {path} cannot be read: {error}") from error


# Packages are imported here: they are installed only where a study names their extractor.


def _inception(path: Path, device: str) -> Network:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # Its constructor would unpickle any object that a file holds; here it gets tensors only.
    tensors = io.BytesIO()
    torch.save(_tensors(path), tensors)
    tensors.seek(0)
    network: Network = FeatureExtractorInceptionV3(
        "inception", ["2048", "logits_unbiased"], feature_extractor_weights_path=tensors
    ).to(device)
    return network


def _clip(path: Path, device: str) -> Network:
    from torch_fidelity.feature_extractor_clip import FeatureExtractorCLIP

    network: Network = FeatureExtractorCLIP(
        "clip-vit-b-32", ["clip"], feature_extractor_weights_path=str(path)
    ).to(device)
    return network


def _efficientnet(path: Path, device: str) -> Network:
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(_tensors(path))
    network.to(device).eval()

    def look(images: Tensor) -> tuple[Tensor, Tensor]:
        resized = interpolate(images.float(), (224, 224), mode="bilinear", antialias=True)
        pooled = network.extract_features((resized - 127) / 128).mean((2, 3))
        return pooled, network._fc(pooled)

    return look


def _tensors(path: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


_NETWORKS = {"inception": _inception, "clip": _clip, "efficientnet": _efficientnet}


def _check_images(name: str, images: Images) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise MetricError(
            f"{name} takes uint8 images [n, height, width, channels], at least one; "
            f"these are {images.dtype} {list(images.shape)}"
        )


def _joined(outputs: list[list[Tensor]]) -> Features:
    """The embeddings, and probabilities if there are any, of all batches."""
    embeddings, *probabilities = (torch.cat(part).numpy() for part in zip(*outputs, strict=True))
    return Features(embeddings, next(iter(probabilities), None))
