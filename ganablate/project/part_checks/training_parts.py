"""What a part that trains does otherwise than its table says, a line each."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from ganablate import catalog
from ganablate.gan.initialisers import initialise
from ganablate.gan.trainer import build_networks
from ganablate.project.part_checks.small_trial import config_of, faults_of_training

_CPU = torch.device("cpu")
_CONVOLUTIONS = {"network": "dcgan", "g_width": 8, "d_width": 8}


def _moved(loss: Tensor, inputs: list[Tensor]) -> list[bool]:
    """Which of these inputs the loss has a gradient in."""
    if not loss.requires_grad:
        return [False] * len(inputs)
    found = torch.autograd.grad(loss, inputs, retain_graph=True, allow_unused=True)
    return [one is not None and bool(one.any()) for one in found]


def criterion(name: str) -> Iterator[str]:
    """Its losses: shape, gradients, at far logits, with labels."""
    line = catalog.CRITERIA[name]
    function = line.load()
    for dtype in (torch.float32, torch.bfloat16):
        real = torch.linspace(-1, 2, 8).to(dtype).requires_grad_()
        fake = torch.linspace(1, -2, 8).to(dtype).requires_grad_()
        losses = function(real, fake)
        for which, loss in zip(("d_loss", "g_loss"), losses, strict=True):
            if loss.shape != () or loss.dtype != torch.float32:
                shape = list(loss.shape)
                yield f"{which} of {dtype} logits is {loss.dtype} {shape}; 0-d float32 is needed"
                return
        if not all(_moved(losses[0], [real, fake])):
            yield "d_loss does not depend on both the real and the generated logits"
        if not all(_moved(losses[1], [fake])):
            yield "g_loss does not depend on the generated logits: G would not train"
            return
    far = function(torch.full((8,), 60.0), torch.full((8,), -60.0))
    if not all(bool(loss.isfinite()) for loss in far):
        yield "a loss is not finite at logits of 60 and -60, where D has won"
    if line.labels:
        plain = function(torch.ones(8), torch.zeros(8))[0]
        soft = {"real_labels": torch.full((8,), 0.8), "fake_labels": torch.full((8,), 0.3)}
        if torch.equal(plain, function(torch.ones(8), torch.zeros(8), **soft)[0]):
            yield "d_loss takes labels and does not depend on them"
    yield from faults_of_training(config_of(criterion=name))


def penalty(name: str) -> Iterator[str]:
    """Its value and its gradient in D's weights."""
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(9, 4), nn.Tanh(), nn.Linear(4, 1))
    discriminator.append(nn.Flatten(0))
    torch.manual_seed(0)
    real, fake = torch.randn(2, 8, 1, 3, 3)
    penalty = catalog.PENALTIES[name].load()(discriminator, real, fake)
    if penalty.shape != () or not penalty.isfinite():
        yield f"a finite 0-d number is needed, not {penalty}"
        return
    if not any(_moved(penalty, list(discriminator.parameters()))):
        yield "it has no gradient in D's weights"
    yield from faults_of_training(config_of(penalty=name))


def optimizer(name: str) -> Iterator[str]:
    """How it trains both networks."""
    yield from faults_of_training(config_of(g_optimizer=name, d_optimizer=name))


def schedule(name: str) -> Iterator[str]:
    """Its factors over a training."""
    factor = catalog.SCHEDULES[name].load()
    for progress in np.linspace(0, 1, 101):
        value = factor(float(progress))
        if not (math.isfinite(value) and value >= 0):
            yield f"its factor at {progress:.2f} of the training is {value}"
            return
    yield from faults_of_training(config_of(lr_schedule=name))


def network(name: str) -> Iterator[str]:
    """What G and D give at every size and number of channels, and what its line says."""
    line = catalog.NETWORKS[name]
    for size in line.image_sizes or (28, 32):
        for channels in (1, 3):
            own = {"network": name, "image_size": size, **line.defaults}
            config = config_of(**own)
            generator, discriminator = build_networks(config, channels, _CPU)
            images = generator(torch.randn(4, config.latent_dim))
            if images.shape != (4, channels, size, size):
                yield f"G gives {list(images.shape)} for {channels} x {size} x {size}"
                return
            logits = discriminator(images)
            if logits.shape != (4,):
                yield f"D gives {list(logits.shape)} for 4 images; [4] is needed"
                return
    has = any(isinstance(module, nn.Conv2d) for module in discriminator.modules())
    if line.convolutions is not has:
        found = "some" if has else "none"
        yield f"its line says convolutions={line.convolutions}, and D has {found}"
    yield from faults_of_training(
        config.model_copy(update={"image_size": (line.image_sizes or (28,))[0]})
    )


def activation(name: str) -> Iterator[str]:
    """Whether each is a module of its own, of the same shape, and not in place."""
    make = catalog.ACTIVATIONS[name].load()
    inputs = torch.linspace(-2, 2, 12).reshape(3, 4)
    given = inputs.clone()
    module = make()
    if module is make():
        yield "it makes the same module twice; every layer needs its own"
    if module(inputs).shape != inputs.shape:
        yield "it changes the shape of its input"
    if not torch.equal(inputs, given):
        yield "it works in place, which gradient penalties cannot differentiate through"
    yield from faults_of_training(config_of(**_CONVOLUTIONS, g_activation=name, d_activation=name))


def initialiser(name: str) -> Iterator[str]:
    """Whether every parameter is drawn, and from the generator that it is given."""
    for module in build_networks(config_of(**_CONVOLUTIONS), 1, _CPU):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.fill_(torch.nan)
        drawn = []
        for _ in range(2):
            initialise(module, name, seed=1, net="g")
            drawn.append([parameter.clone() for parameter in module.parameters()])
        if not all(bool(one.isfinite().all()) for one in drawn[0]):
            yield "it leaves some parameters as they were"
            return
        if not all(map(torch.equal, *drawn)):
            yield "it draws from something else than the generator that it is given"
    yield from faults_of_training(config_of(**_CONVOLUTIONS, init=name))
