"""Plug-ins for the tests, as text."""

from pathlib import Path

CRITERION = '''
from ganablate.catalog import Criterion


def margin(real_logits, fake_logits):
    """The raw outputs are pulled apart, without a margin."""
    real, fake = real_logits.float(), fake_logits.float()
    return (1 - real).relu().mean() + (1 + fake).relu().mean(), -fake.mean()


CRITERIA = {
    "margin": Criterion(
        implementation="margin", summary="pulled apart", source="own", threshold=0.0
    )
}
'''
"""One criterion in one file, which takes no torch to import."""

BAD = '''
import os
import sys
import time

from ganablate.catalog import Criterion

CALLS = []


def _good(real_logits, fake_logits):
    real, fake = real_logits.float(), fake_logits.float()
    return (1 - real).relu().mean() + (1 + fake).relu().mean(), -fake.mean()


def exits(real_logits, fake_logits):
    """Leaves."""
    sys.exit(3)


def interrupts(real_logits, fake_logits):
    """Says that somebody pressed Ctrl-C."""
    raise KeyboardInterrupt


def vanishes(real_logits, fake_logits):
    """Ends the process without a word."""
    os._exit(3)


def hangs(real_logits, fake_logits):
    """Never comes back."""
    while True:
        time.sleep(0.1)


def prints(real_logits, fake_logits):
    """Says something to whoever has a screen."""
    if not CALLS:
        print("to stdout")
        print("to stderr", file=sys.stderr)
    CALLS.append(1)
    return _good(real_logits, fake_logits)


CRITERIA = {
    name: Criterion(implementation=name, summary="bad", source="own", threshold=0.0)
    for name in ("exits", "interrupts", "vanishes", "hangs", "prints")
}
'''
"""Criteria that do what no part should."""

ALL = '''
"""One part of every kind."""

import numpy as np
import torch
from torch import nn

from ganablate.catalog import (
    NETWORKS as BUILT_IN, Column, Criterion, Dataset, Metric, Network, Optimizer, OwnSetting, Part,
    Penalty, Probe, Schedule, Trainer,
)
from ganablate.gan import trainer
from ganablate.metrics.probes.subject import Finding


class Noisy(trainer.Trainer):
    """D sees all images through Gaussian noise."""

    def __init__(self, config, images, *, device, precision, noise):
        super().__init__(config, images, device=device, precision=precision)
        self._noise, self._seen = noise, []

    def judge(self, images):
        """Of the noisy images."""
        return super().judge(images + self._noise * torch.randn_like(images))


def margin(real_logits, fake_logits):
    """Raw outputs pulled apart."""
    return (fake_logits.float() - real_logits.float()).mean(), -fake_logits.float().mean()


def drift(discriminator, real, fake):
    """E l(x)^2, which keeps the outputs near 0 (Karras et al. 2018, arXiv 1710.10196)."""
    return discriminator(real).float().square().mean()


def nadam(parameters, *, lr, beta1, weight_decay):
    """NAdam with beta2 0.999 (Dozat 2016)."""
    return torch.optim.NAdam(parameters, lr=lr, betas=(beta1, 0.999), weight_decay=weight_decay)


def warm(progress):
    """Rises over the first tenth."""
    return min(1.0, 0.1 + 9 * progress)


def tiny(config, channels):
    """One linear layer each."""
    size = config.image_size
    pixels = channels * size * size
    return (
        nn.Sequential(
            nn.Linear(config.latent_dim, pixels), nn.Sigmoid(),
            nn.Unflatten(1, (channels, size, size)),
        ),
        nn.Sequential(nn.Flatten(), nn.Linear(pixels, 1), nn.Flatten(0)),
    )


class Swish(nn.Module):
    """x sigmoid(x)."""

    def forward(self, inputs):
        """Any shape to itself."""
        return inputs * inputs.sigmoid()


def small(module, parameter_name, parameter, generator):
    """N(0, 0.1) throughout."""
    parameter.normal_(0.0, 0.1, generator=generator)


def stripes(root):
    """100 images, half of them bright above."""
    images = np.zeros((100, 28, 28, 1), np.uint8)
    images[:50, :14], images[50:, 14:] = 200, 200
    return images, np.repeat(np.arange(2), 50)


def apart(real, fake):
    """Distance of the two mean features."""
    gap = real.embeddings.mean(0) - fake.embeddings.mean(0)
    return {"apart": float(np.linalg.norm(gap))}


def brightness(subject):
    """Mean pixel of 10 samples, and their strip."""
    images = subject.images_of(subject.latents(10, "brightness"))
    return Finding({"mean_pixel": float(images.mean())}, "10 samples", {"strip": images[0]})


own = {"summary": "a test", "source": "own"}
DEFAULTS = dict(BUILT_IN["mlp"].defaults, g_output="sigmoid", pixel_range="unit", init="small")
del DEFAULTS["hidden_layers"]
TRAINERS = {
    "noisy": Trainer(
        implementation="Noisy", declares={"noise": OwnSetting("its size", 0.1, minimum=0.0)}, **own
    )
}
CRITERIA = {"margin": Criterion(implementation="margin", threshold=0.0, decides=False, **own)}
PENALTIES = {"drift": Penalty(implementation="drift", default_weight=0.001, **own)}
OPTIMIZERS = {
    "nadam": Optimizer(implementation="nadam", settings={"beta1": 0.5, "weight_decay": 0.0}, **own)
}
SCHEDULES = {"warm": Schedule(implementation="warm", **own)}
NETWORKS = {
    "tiny": Network(
        implementation="tiny", image_sizes=None, defaults=DEFAULTS, convolutions=False, **own
    )
}
ACTIVATIONS = {"swish": Part(implementation="Swish", **own)}
INITIALISERS = {"small": Part(implementation="small", **own)}
DATASETS = {
    "stripes": Dataset(
        implementation="stripes", image_size=28, channels=1, images=100, classes=2,
        data_id="stripes-1", extractor="mnist_classifier", embedded=True, **own,
    )
}
METRICS = {
    "apart": Metric(
        implementation="apart", needs="features",
        columns={"apart": Column(direction="min", unit="feature units", title="Apart")}, **own,
    )
}
PROBES = {
    "brightness": Probe(
        implementation="brightness", pictures={"strip": "a sample"},
        columns={"mean_pixel": Column(direction="none", unit="grey", title="Mean pixel")}, **own,
    )
}
'''


def write(folder: Path, text: str = CRITERION, name: str = "my_losses.py") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
