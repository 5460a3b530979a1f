"""Inception-v3, as torch-fidelity has it: with its features published FIDs are measured.

Its weights (95 MB) do not ship. They were not at hand when this was written: the tests run
torch-fidelity's network with random weights and compare this module with a direct call, and no FID
of it was compared with a published one. Unlike the shipped extractors it runs on the trial's
device, always in fp32: on one CPU core an image takes about a quarter of a second, so that the
5,000 of a trial take 20 minutes, and the 10,000 real ones 40, once.
"""

import functools
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ganablate.metrics.errors import MetricError
from ganablate.metrics.features import Features, Images
from ganablate.metrics.named_weights import weights_of

NAME = "inception"
BATCH = 50
_CHANNELS = (1, 3)


@functools.cache
def _network(path: Path, device: str) -> Any:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise MetricError(f"extractor {NAME}: {path} cannot be read: {error}") from error
    # Imported here: it is installed only where a study names this extractor.
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # Its constructor would unpickle any object that a file holds; here it gets tensors only.
    tensors = io.BytesIO()
    torch.save(state, tensors)
    tensors.seek(0)
    with torch.random.fork_rng(devices=[]):  # it draws initial weights before it loads these
        network = FeatureExtractorInceptionV3(
            NAME, ["2048", "logits_unbiased"], feature_extractor_weights_path=tensors
        )
    return network.to(device)


def _check(images: Images) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
        raise MetricError(
            f"{NAME} takes uint8 images [n, height, width, channels], at least one; "
            f"these are {images.dtype} {list(images.shape)}"
        )
    if images.shape[3] not in _CHANNELS:
        raise MetricError(f"{NAME} takes images with 1 or 3 channels, not {images.shape[3]}")


def inception(images: Images, data_root: Path | None, device: str) -> Features:
    """Features and class probabilities of images by Inception-v3 of 2015-12-05.

    The network resizes them to 299x299 itself, as TensorFlow 1 did for the published FIDs.

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
    _check(images)
    network = _network(weights_of(NAME, data_root), device)
    kind = torch.device(device).type
    embeddings, probabilities = [], []
    # The caller may be inside a bf16 autocast, and cuDNN would take TF32 for fp32.
    with (
        torch.inference_mode(),
        torch.autocast(kind, enabled=False),
        torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
    ):
        for start in range(0, len(images), BATCH):
            # A copy, because torch does not take the read-only pages of a memory map.
            batch = torch.from_numpy(np.array(images[start : start + BATCH])).to(device)
            features, logits = network(batch.permute(0, 3, 1, 2).expand(-1, 3, -1, -1))
            embeddings.append(features.cpu())
            probabilities.append(logits.softmax(1).cpu())
    return Features(torch.cat(embeddings).numpy(), torch.cat(probabilities).numpy())
