"""Tries a part out as trials use it: what `ganablate list --check` does.

Parts that train are put into a real trainer on 64 random images, straight through and interrupted,
since everything else rests on it that both end alike. Each check yields a line for everything that
the part does otherwise than its entry in the catalog says.
"""

import functools
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganablate import catalog
from ganablate.catalog.parts import OwnValue
from ganablate.config import TrialConfig
from ganablate.gan.checkpoint import load_state, load_weights, save_state, save_weights
from ganablate.gan.data import MaterialisedData, downloads_beside
from ganablate.gan.initialisers import initialise
from ganablate.gan.pictures import Pictures
from ganablate.gan.seeding import seed_all
from ganablate.gan.trainer import Trainer, build_networks
from ganablate.gan.training import Training, training_of
from ganablate.metrics.features import Features
from ganablate.metrics.losses import last_fifth
from ganablate.metrics.probes import subject as probes
from ganablate.study.arms.resolve import with_defaults
from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Trial
from ganablate.sweep.job import Job
from ganablate.sweep.measure import subject_of
from ganablate.trials.needs import Measurements

_IMAGES = 64
_STEPS = 6
_SMALL = {
    "dataset": "mnist_5k", "network": "mlp", "image_size": 28, "g_width": 16, "d_width": 16,
    "latent_dim": 8, "batch_size": 8, "iterations": _STEPS,
}  # fmt: skip
_CONVOLUTIONS = {"network": "dcgan", "g_width": 8, "d_width": 8}
_CPU = torch.device("cpu")
Own = Mapping[str, OwnValue]
"""Settings that a part declares -> the values to try it at."""


def broken(kind: str, name: str) -> list[str]:
    """What a part does otherwise than its entry says; empty where nothing is wrong.

    Args:
        kind: As `list` names it, such as "criteria".
        name: Of a part of that kind in the catalog.
    """
    try:
        return list(dict.fromkeys(_with_own_settings(kind, name)))
    except (Exception, SystemExit) as error:
        return [f"{type(error).__name__}: {' '.join(str(error).split())}"]


def _with_own_settings(kind: str, name: str) -> Iterator[str]:
    """What its check finds at the defaults, then at the other ends of each setting it declares."""
    declared = catalog.TABLES[kind].lines[name].declares
    defaults = {setting: own.default for setting, own in declared.items()}
    yield from _CHECKS[kind](name, defaults)
    for setting, own in declared.items():
        for value in own.examples[1:]:
            for fault in _CHECKS[kind](name, {**defaults, setting: value}):
                yield f"{setting}={text_of(setting, value)}: {fault}"


# The trial that a part is put into: six steps of a small network on random images


def _config_of(**changes: Any) -> TrialConfig:
    return TrialConfig(**with_defaults({**_SMALL, **changes}), seed=0)


def _images_of(size: int) -> np.ndarray:
    """Random images, uint8 [64, size, size, 1]."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (_IMAGES, size, size, 1), dtype=np.uint8)


def _trainer_of(config: TrialConfig) -> Training:
    return training_of(config, _images_of(config.image_size), device="cpu", precision="fp32")


def _weights(trainer: Training) -> dict[str, Tensor]:
    return {
        f"{net}.{name}": value.clone()
        for net, module in trainer.networks.items()
        for name, value in module.state_dict().items()
    }


def _faults_of_training(config: TrialConfig) -> Iterator[str]:
    """What is wrong with a short training, and with the same one interrupted half way."""
    straight = _trainer_of(config)
    before = _weights(straight)
    straight.train(_STEPS)
    after = _weights(straight)
    if straight.diverged_at is not None:
        yield f"losses or weights are not finite after {straight.diverged_at} steps"
        return
    for net, module in straight.networks.items():
        names = [f"{net}.{name}" for name, _ in module.named_parameters()]
        if all(torch.equal(before[name], after[name]) for name in names):
            yield f"the {net}'s weights do not move in {_STEPS} steps"
    first, second = _trainer_of(config), _trainer_of(config)
    first.train(_STEPS // 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        save_state(first.state(), path)
        second.restore(load_state(path))
    seed_all(_CPU, 1)  # another process has drawn something else by then
    second.train(_STEPS)
    if not _same_end(straight, second):
        yield (
            "a trial that was interrupted ends with other weights or losses: something is not in "
            "its state, or is drawn from a generator that it makes itself; torch's, numpy's and "
            "Python's own are seeded at every step"
        )


def _same_end(first: Training, second: Training) -> bool:
    """Whether two trainings have the same weights and losses, bit for bit."""
    weights = _weights(first), _weights(second)
    arrays = [{name: value.numpy() for name, value in of_one.items()} for of_one in weights]
    return _equal(*arrays) and _equal(first.losses, second.losses)


# Parts that train


def _trainer(name: str, own: Own) -> Iterator[str]:
    """The protocol: counts, losses, samples that leave no trace, a divergence that is noticed."""
    line = catalog.TRAINERS[name]
    size = (line.image_sizes or (28,))[0]
    config = _config_of(trainer=None if name == "gan" else name, image_size=size, **own)
    yield from _faults_of_training(config)
    straight, broken_off = _trainer_of(config), _trainer_of(config)
    straight.train(_STEPS)
    counts = straight.iteration, straight.total_iterations, straight.images_seen
    if not straight.done or counts != (_STEPS, _STEPS, _STEPS * config.images_per_iteration):
        yield f"after {_STEPS} iterations of {_STEPS} its iteration, length and images are {counts}"
    for key in line.losses:
        loss = straight.losses.get(key, np.empty(0))
        if loss.shape != (_STEPS,) or loss.dtype != np.float32:
            yield f"its loss {key} is {loss.dtype} {loss.shape}; float32 ({_STEPS},) is needed"
    with torch.no_grad():
        for network in broken_off.networks.values():
            for parameter in network.parameters():
                parameter.fill_(torch.nan)
    broken_off.train(_STEPS)
    if broken_off.diverged_at is None or not broken_off.done:
        yield "it goes on with weights that are not finite: diverged_at is None"
    yield from _faults_of_samples(config, straight)


def _faults_of_samples(config: TrialConfig, straight: Training) -> Iterator[str]:
    """What is wrong with samples in the middle of a training, and with those of kept weights."""
    size, sampled = config.image_size, _trainer_of(config)
    sampled.train(_STEPS // 2)
    images, again = sampled.sample(4, "check"), sampled.sample(4, "check")
    if images.dtype != np.uint8 or images.shape != (4, size, size, 1):
        yield f"it samples {images.dtype} {images.shape}; uint8 {(4, size, size, 1)} is needed"
    elif not np.array_equal(images, again):
        yield "the same purpose gives other samples the second time"
    seed_all(_CPU, 2)  # as measuring does
    sampled.train(_STEPS)
    if not _same_end(straight, sampled):
        yield "a trial that was sampled from ends otherwise: sampling leaves a trace"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights"
        save_weights(straight.networks, path, keep="generator")
        if not path.exists():
            yield "none of its networks is called generator, which sample needs"
            return
        reread = _trainer_of(config)
        load_weights(reread.networks, path)
    if not np.array_equal(straight.sample(4, "check"), reread.sample(4, "check")):
        yield "with the kept generator's weights it samples other images"


def _moved(loss: Tensor, inputs: list[Tensor]) -> list[bool]:
    """Which of these inputs the loss has a gradient in."""
    if not loss.requires_grad:
        return [False] * len(inputs)
    gradients = torch.autograd.grad(loss, inputs, retain_graph=True, allow_unused=True)
    return [gradient is not None and bool(gradient.any()) for gradient in gradients]


def _criterion(name: str, own: Own) -> Iterator[str]:
    """Its losses: shape, gradients, at far logits, with labels."""
    part = catalog.CRITERIA[name]
    function = functools.partial(part.load(), **own)
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
    if part.labels:
        plain = function(torch.ones(8), torch.zeros(8))[0]
        soft = {"real_labels": torch.full((8,), 0.8), "fake_labels": torch.full((8,), 0.3)}
        if torch.equal(plain, function(torch.ones(8), torch.zeros(8), **soft)[0]):
            yield "d_loss takes labels and does not depend on them"
    yield from _faults_of_training(_config_of(criterion=name, **own))


def _penalty(name: str, own: Own) -> Iterator[str]:
    """Its value and its gradient in D's weights."""
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(9, 4), nn.Tanh(), nn.Linear(4, 1))
    discriminator.append(nn.Flatten(0))
    torch.manual_seed(0)
    real, fake = torch.randn(2, 8, 1, 3, 3)
    penalty = catalog.PENALTIES[name].load()(discriminator, real, fake, **own)
    if penalty.shape != () or not penalty.isfinite():
        yield f"a finite 0-d number is needed, not {penalty}"
        return
    if not any(_moved(penalty, list(discriminator.parameters()))):
        yield "it has no gradient in D's weights"
    yield from _faults_of_training(_config_of(penalty=name, **own))


def _optimizer(name: str, own: Own) -> Iterator[str]:
    """A training with it."""
    yield from _faults_of_training(_config_of(g_optimizer=name, d_optimizer=name, **own))


def _schedule(name: str, own: Own) -> Iterator[str]:
    """Its factors over a training."""
    factor = functools.partial(catalog.SCHEDULES[name].load(), **own)
    for progress in np.linspace(0, 1, 101):
        value = factor(float(progress))
        if not (math.isfinite(value) and value >= 0):
            yield f"its factor at {progress:.2f} of the training is {value}"
            return
    yield from _faults_of_training(_config_of(lr_schedule=name, **own))


def _network(name: str, own: Own) -> Iterator[str]:
    """What G and D give at every size and number of channels, and what its entry says."""
    part = catalog.NETWORKS[name]
    for size in part.image_sizes or (28, 32):
        for channels in (1, 3):
            config = _config_of(**{"network": name, "image_size": size, **part.defaults, **own})
            generator, discriminator = build_networks(config, channels, _CPU)
            images = generator(torch.randn(4, config.latent_dim))
            if images.shape != (4, channels, size, size):
                yield f"G gives {list(images.shape)} for {channels} x {size} x {size}"
                return
            logits = discriminator(images)
            if logits.shape != (4,):
                yield f"D gives {list(logits.shape)} for 4 images; [4] is needed"
                return
    convolves = any(isinstance(module, nn.Conv2d) for module in discriminator.modules())
    if part.convolutions is not convolves:
        count = "some" if convolves else "none"
        yield f"its line says convolutions={part.convolutions}, and D has {count}"
    yield from _faults_of_training(
        config.model_copy(update={"image_size": (part.image_sizes or (28,))[0]})
    )


def _activation(name: str, own: Own) -> Iterator[str]:
    """Whether each is a module of its own, of the same shape, and not in place."""
    make = functools.partial(catalog.ACTIVATIONS[name].load(), **own)
    inputs = torch.linspace(-2, 2, 12).reshape(3, 4)
    given = inputs.clone()
    module = make()
    if module is make():
        yield "it makes the same module twice; every layer needs its own"
    if module(inputs).shape != inputs.shape:
        yield "it changes the shape of its input"
    if not torch.equal(inputs, given):
        yield "it works in place, which gradient penalties cannot differentiate through"
    yield from _faults_of_training(
        _config_of(**_CONVOLUTIONS, g_activation=name, d_activation=name, **own)
    )


def _initialiser(name: str, own: Own) -> Iterator[str]:
    """Whether every parameter is drawn, and from the generator that it is given."""
    for module in build_networks(_config_of(**_CONVOLUTIONS), 1, _CPU):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.fill_(torch.nan)
        drawn = []
        for _ in range(2):
            initialise(module, name, seed=1, net="g", own=own)
            drawn.append([parameter.clone() for parameter in module.parameters()])
        if not all(bool(values.isfinite().all()) for values in drawn[0]):
            yield "it leaves some parameters as they were"
            return
        if not all(map(torch.equal, *drawn)):
            yield "it draws from something else than the generator that it is given"
    yield from _faults_of_training(_config_of(**_CONVOLUTIONS, init=name, **own))


# Parts that measure, and data


def _dataset(name: str, own: Own) -> Iterator[str]:
    """Whether what is read is what its entry says; its files are looked for as for a run here."""
    part = catalog.DATASETS[name]
    images, labels = part.load()(downloads_beside(Path("runs/data")), **own)
    if isinstance(images, Pictures):
        if images.count != part.images:
            yield f"it has {images.count:,} images, and its line says {part.images:,}"
        return
    expected = (part.images, part.image_size, part.image_size, part.channels)
    if images.shape != expected or images.dtype != np.uint8:
        yield f"it reads {images.dtype} {images.shape}; its line says uint8 {expected}"
    if (labels is None) != (part.classes is None):
        yield f"its line says {part.classes or 'no'} classes; it has {labels is not None} labels"
    elif labels is not None and set(np.unique(labels)) != set(range(part.classes or 0)):
        yield f"its labels are not 0 to {(part.classes or 0) - 1}, each at least once"


def _metric(name: str, own: Own) -> Iterator[str]:
    """Its columns, that they repeat, and that they are NaN where the input is."""
    part = catalog.METRICS[name]
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    if part.needs == "losses":
        random = np.random.default_rng(0)
        losses = last_fifth({key: random.random(50, np.float32) for key in part.reads})
        good, bad = (losses,), ({key: np.full_like(losses[key], np.nan) for key in losses},)
    else:
        third = (_features(2),) if part.compares_training else ()
        good = (_features(0), _features(1), *third)
        bad = (_features(0), _features(1, lost=5), *third)
    seed_all(_CPU, 0)
    numbers = part.load()(*good)
    seed_all(_CPU, 0)
    again = part.load()(*good)
    if set(numbers) != set(part.columns):
        yield f"it gives {', '.join(sorted(numbers))}; its line says {', '.join(part.columns)}"
    if numbers != again:
        yield "it gives other numbers for the same images"
    if not all(isinstance(value, int | float) for value in numbers.values()):
        yield "its numbers are no plain floats"
    if any(math.isfinite(value) for value in part.load()(*bad).values()):
        yield "it gives a number where its input holds one that is none; NaN is needed"


def _features(seed: int, lost: int | None = None) -> Features:
    """Random features of 300 images; those of the one that is `lost` are NaN."""
    random = np.random.default_rng(seed)
    scores = random.random((300, 10), np.float32)
    probabilities = scores / scores.sum(1, keepdims=True)
    embeddings = random.random((300, 16), np.float32)
    if lost is not None:
        embeddings[lost] = probabilities[lost] = np.nan
    return Features(embeddings, probabilities)


def _probe(name: str, own: Own) -> Iterator[str]:
    """Its numbers and pictures of a network that was trained a little."""
    config = _config_of(network="conv28")
    labels = np.arange(_IMAGES) % 10
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        job = Job(
            trial=Trial("0" * 16, "baseline", 0, config, ""), wanted=Measurements(()),
            trials_root=root, cache=root, data_root=None, device="cpu", precision="fp32", threads=1,
            checkpoint_seconds=30.0,
        )  # fmt: skip
        images = _images_of(config.image_size)
        data = MaterialisedData(images, labels, fingerprint="", path=root)
        trainer = Trainer(config, images, device="cpu", precision="fp32")
        trainer.train(_STEPS)
        trainer.discriminator.eval()
        found = []
        for _ in range(2):
            seed_all(_CPU, 0)
            found.append(probes.probe([name], subject_of(job, trainer, data)))
        first, again = found
    if first.numbers != again.numbers or not _equal(first.pictures, again.pictures):
        yield "it finds something else the second time: draw from subject.random and .latents"
    if not all(first.protocols.values()):
        yield "its numbers have no protocol"
    for (_, key), picture in first.pictures.items():
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
            yield f"its picture {key} is {picture.dtype} {picture.shape}; uint8 [h, w, 1 or 3]"


def _equal(first: Mapping[Any, np.ndarray], second: Mapping[Any, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(array, second[key]) for key, array in first.items()
    )


_CHECKS: Mapping[str, Callable[[str, Own], Iterator[str]]] = {
    "trainers": _trainer,
    "criteria": _criterion,
    "penalties": _penalty,
    "optimizers": _optimizer,
    "schedules": _schedule,
    "networks": _network,
    "activations": _activation,
    "initialisers": _initialiser,
    "datasets": _dataset,
    "metrics": _metric,
    "probes": _probe,
}
"""Kind of a part, as `list` names it -> its check."""
