"""Measures a trained trial and keeps the results in its folder."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganablate.catalog import (
    DATASETS,
    EXTRACTORS,
    METRICS,
    PLUGIN_MEASURES,
    PROBES,
    Split,
    extractor_of,
    named_parts,
    on_images,
    real_split,
    stored_name,
    weights_stamp,
)
from ganablate.config import TrialConfig, derive_seed
from ganablate.files import replacing
from ganablate.gan.data import MaterialisedData, downloads_beside, materialise, training_subset
from ganablate.gan.seeding import seed_all
from ganablate.gan.trainer import build_networks
from ganablate.gan.training import Pair, Training
from ganablate.metrics.evaluate import Evaluation, RealImages, evaluate
from ganablate.metrics.features import Floats, Images, MetricError
from ganablate.metrics.probes.subject import Labelled, Probed, Subject, probe
from ganablate.metrics.references import RealSets, reference_lines
from ganablate.sweep.job import Job
from ganablate.trials.folder import TrialFolder, now_ms
from ganablate.trials.needs import data_key
from ganablate.trials.references import reference_path, references_beside, write_lines

_FRAME_MS, _LAST_FRAME_MS = 400, 1_600
_COLOURS = 64


def measure(
    names: Sequence[str], *, job: Job, trainer: Training, data: MaterialisedData, diverged: bool
) -> None:
    """Measure a trained trial by metrics and probes, and add what they find to its folder.

    The losses are already in the folder. Of a trial that diverged no image is measured, and no
    probe looks at it.

    Raises:
        KeyError: There is no such metric or probe.
        MetricError: Something cannot be measured on this data, or an extractor cannot be had.
        DataError: A probe needs the test split, and it cannot be had.
    """
    metrics = [name for name in names if named_parts(name)[0] in METRICS]
    probes = {name: named_parts(name)[0] for name in names if named_parts(name)[0] in PROBES}
    unknown = [name for name in names if name not in metrics and name not in probes]
    if unknown:
        raise KeyError(f"no such metric or probe: {', '.join(unknown)}")
    folder = TrialFolder(job.trials_root, job.trial.trial_id)
    evaluation = _evaluated(metrics, job=job, trainer=trainer, data=data, diverged=diverged)
    probed = Probed()
    if probes and not diverged:
        probed = _probed(tuple(probes.values()), job=job, trainer=trainer, data=data)
    for (name, picture), image in probed.pictures.items():
        drawn = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
        with replacing(folder.probe_picture(name, picture)) as temporary:
            drawn.save(temporary, format="PNG", optimize=True)
    for column, number in probed.numbers.items():
        evaluation.numbers[stored_name(column, None)] = number
    for column, protocol in probed.protocols.items():
        evaluation.protocols[stored_name(column, None)] = protocol
    folder.add_metrics(names, evaluation.numbers, evaluation.protocols)
    keep_references(metrics, job=job, fingerprint=data.fingerprint, read=lambda: data)


def measure_during(
    names: Sequence[str], *, job: Job, trainer: Training, data: MaterialisedData, diverged: bool
) -> None:
    """Measure the images of this point of the training, and keep the numbers in the folder.

    The protocol is that of the end, so the last point of such a curve is the trial's number. Where
    the training diverged, the folder says that there was nothing to measure.
    """
    folder = TrialFolder(job.trials_root, job.trial.trial_id)
    evaluation = _evaluated(names, job=job, trainer=trainer, data=data, diverged=diverged)
    content = {
        "evaluated": list(names), "images_seen": trainer.images_seen, "measured_ms": now_ms(),
        "numbers": evaluation.numbers, "protocols": evaluation.protocols,
    }  # fmt: skip
    folder.write_evaluation(trainer.iteration, content)


def _probed(
    names: tuple[str, ...], *, job: Job, trainer: Training, data: MaterialisedData
) -> Probed:
    """What probes find; those of plug-ins each by itself, from a seed of their own."""
    if not isinstance(trainer, Pair):
        raise MetricError(f"{', '.join(names)}: the trainer gives no pair of nets to look at")
    subject, result = subject_of(job, trainer, data), Probed()
    trainer.discriminator.eval()
    try:
        for group in _alone_if_own(names):
            seed_all(trainer.device, job.trial.config.seed, "measured", *group)
            found = probe(group, subject)
            result.numbers.update(found.numbers)
            result.protocols.update(found.protocols)
            result.pictures.update(found.pictures)
    finally:
        trainer.discriminator.train()
    return result


def _alone_if_own(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Names of metrics or probes; those of plug-ins alone, so that none moves another's draws."""
    built_in = tuple(name for name in names if name not in PLUGIN_MEASURES)
    alone: list[tuple[str, ...]] = [(name,) for name in names if name in PLUGIN_MEASURES]
    return [built_in, *alone] if built_in else alone


def _evaluated(
    names: Sequence[str], *, job: Job, trainer: Training, data: MaterialisedData, diverged: bool
) -> Evaluation:
    """Results of metrics under the names that trial folders have."""
    config, folder = job.trial.config, TrialFolder(job.trials_root, job.trial.trial_id)
    by_extractor: dict[str | None, list[str]] = {}
    for name in names:
        metric, named = named_parts(name)
        by_extractor.setdefault(named, []).append(metric)
    images = functools.cache(lambda n: trainer.sample(n, "evaluation"))
    split = real_split(config.dataset)
    result = Evaluation({}, {})
    groups = [
        (named, group)
        for named, metrics in by_extractor.items()
        for group in _alone_if_own(metrics)
    ]
    for named, group in groups:
        seed_all(trainer.device, config.seed, "measured", *group)
        measured = evaluate(
            group,
            extractor=named or extractor_of(config.dataset, config.channels),
            losses=folder.losses(),
            fake_images=None if diverged else images,
            real_images=lambda: _images(data_of(job, split) if split == "test" else data, split),
            training_images=(lambda: _trained_on(data, config)) if split == "test" else None,
            cache=job.cache,
            data_root=job.data_root or downloads_beside(job.cache),
            device=trainer.device.type,
        )
        for column, number in measured.numbers.items():
            result.numbers[stored_name(column, named)] = number
            result.protocols[stored_name(column, named)] = measured.protocols[column]
    return result


def keep_references(
    names: Sequence[str], *, job: Job, fingerprint: str, read: Callable[[], MaterialisedData]
) -> None:
    """Measure the reference lines of the protocols of a trial, those that are not there yet.

    Those of an extractor whose weights were changed since are left out.

    Args:
        names: Metrics that the trial was measured with, as trial folders name them.
        job: Of the trial.
        fingerprint: Of its images.
        read: Gives them; called only where lines are to be measured.

    Raises:
        MetricError: An extractor cannot be had.
    """
    root, config = references_beside(job.trials_root), job.trial.config
    protocols = TrialFolder(job.trials_root, job.trial.trial_id).metrics()["protocols"]
    lacking: dict[str, dict[str, Path]] = {}
    for name in on_images(names):
        metric, named = named_parts(name)
        extractor = named or extractor_of(config.dataset, config.channels)
        stamps = (protocols.get(stored_name(c, named)) for c in METRICS[metric].columns)
        stamp = next(filter(None, stamps), None)
        if stamp is None or extractor is None or METRICS[metric].compares_training:
            continue
        if not stamp.startswith(f"{weights_stamp(extractor)}, "):
            continue
        path = reference_path(root, fingerprint, name, stamp)
        if not path.exists():
            lacking.setdefault(extractor, {})[metric] = path
    for extractor, paths in lacking.items():
        data, split = read(), real_split(config.dataset)
        compared = data_of(job, split) if split == "test" else data
        lines = reference_lines(
            list(paths),
            extractor=extractor,
            sets=RealSets(data.images, data.labels, _images(compared, split)),
            cache=job.cache,
            data_root=job.data_root or downloads_beside(job.cache),
            device=job.device,
        )
        for metric, path in paths.items():
            write_lines(path, metric, {key: line.of(metric) for key, line in lines.items()})


def _images(data: MaterialisedData, split: Split) -> RealImages:
    return RealImages(data.images, data.fingerprint, split)


def _trained_on(data: MaterialisedData, config: TrialConfig) -> RealImages:
    """The images of the training split that the trial sees, in the order of the files."""
    subset = training_subset(len(data.images), config.train_images)
    if subset is None:
        return _images(data, "train")
    return RealImages(data.images[np.sort(subset)], f"{data.fingerprint}-{len(subset)}", "train")


def subject_of(job: Job, trainer: Pair, data: MaterialisedData) -> Subject:
    """The trial as probes see it; its discriminator has to be in evaluation mode."""
    config = job.trial.config
    _, untrained = build_networks(config, data.images.shape[3], trainer.device)
    extractor = extractor_of(config.dataset, config.channels)

    def scale(images: Images) -> torch.Tensor:
        unit = torch.from_numpy(np.array(images)).to(trainer.device).permute(0, 3, 1, 2) / 255
        return unit if config.pixel_range == "unit" else unit * 2 - 1

    def latents(n: int, purpose: str) -> Floats:
        points: Floats = trainer.latents(n, "probe", purpose).cpu().numpy()
        return points

    def random(purpose: str) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(derive_seed(config.seed, "probe", purpose)))

    def test() -> Labelled:
        split = data_of(job, "test")
        return Labelled(split.images, split.labels)

    tested = config.dataset in DATASETS and DATASETS[config.dataset].test is not None
    return Subject(
        images_of=lambda points: trainer.images_of(torch.from_numpy(points)),
        latents=latents,
        random=random,
        discriminator=trainer.discriminator,
        untrained_discriminator=untrained.eval(),
        scale=scale,
        train=Labelled(data.images, data.labels),
        test=test if tested else None,
        extract=EXTRACTORS[extractor].load() if extractor else None,
        extractor=weights_stamp(extractor) if extractor else "",
    )


def data_of(job: Job, split: Split = "train") -> MaterialisedData:
    """The images that the job's trial is trained on, or those of the test split."""
    key = data_key(job.trial)
    return materialise(**key._asdict(), data_root=job.data_root, cache=job.cache, split=split)


def animate(folder: TrialFolder) -> None:
    """Make `animation.gif` of the sample grids so far: the same latents while training goes on.

    In 64 colours, without end, the last grid a little longer. Nothing is made without a grid.

    Source: R1, section 3 (64 fixed samples, saved as a GIF).
    """
    frames = []
    for path in sorted(folder.path.glob("samples/[0-9]*.png")):
        with Image.open(path) as grid:
            frames.append(grid.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE))
    if not frames:
        return
    durations = [_FRAME_MS] * (len(frames) - 1) + [_LAST_FRAME_MS]
    with replacing(folder.path / "animation.gif") as temporary:
        frames[0].save(
            temporary, format="GIF", save_all=True, append_images=frames[1:], loop=0,
            duration=durations, optimize=True,
        )  # fmt: skip
