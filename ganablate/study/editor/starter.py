"""A new study: the template `study.yaml.j2` with its slots filled.

The sizes are those with which the shipped studies draw digits within minutes on two CPU cores.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import StrictUndefined, Template

from ganablate.catalog import DATASETS, EXTRACTORS, FOLDER_PREFIX, NETWORKS, SETTINGS, extractor_of
from ganablate.catalog.parts import Dataset
from ganablate.config import TrialConfig
from ganablate.study.arms.settings import read_value, text_of
from ganablate.study.editor.json_schema import STUDY_SCHEMA
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from ganablate.text import joined

DEFAULT_FACTORS = ("criterion", "latent_dim")
NO_USUAL_LEVELS = ("dataset", "image_size", "crop", "iterations", "early_end", "device")
"""Factors that hang on the images, on the machine, or on how the length is counted and cut."""
_LEVELS: dict[str, tuple[Any, ...]] = {
    "network": ("mlp", "dcgan"),
    "criterion": ("least_squares", "hinge", "bce"),
    "penalty": ("r1",),
    "optimizer": ("rmsprop", "sgd"),
    "real_labels": (0.9, "0.7..1"),
    "fake_labels": (0.1, "0..0.3"),
    "d_weight_clip": (0.01,),
    "g_ema": (0.999,),
    "grad_clip": (10,),
    "lr_schedule": ("linear",),
    "weight_decay": (1e-4, 1e-2),
    "momentum": (0.0, 0.5, 0.9),
    "beta1": (0.0, 0.5, 0.9),
    "beta2": (0.9, 0.99, 0.999),
    "alpha": (0.9, 0.99),
    "rho": (0.9, 0.95),
    "d_dropout": (0.0, 0.2, 0.4),
    "train_images": (1_000, 2_500),
}
"""Levels worth a look, where half and double of the baseline's are not; for g_ and d_ forms too."""
_MOST_LEVELS = 2
_AMOUNTS: dict[str, dict[str, Any]] = {
    "conv28": {"lr": 1e-3, "epochs": 20, "g_width": 16, "d_width": 32},
    "conv32": {"lr": 1e-3, "epochs": 40, "g_width": 16, "d_width": 32},
    "mlp": {"lr": 1e-3, "epochs": 40, "g_width": 512, "d_width": 128},
    "dcgan": {"lr": 1e-3, "epochs": 10, "g_width": 16, "d_width": 16, "init": "torch"},
}
_OTHER_AMOUNT = {"lr": 2e-4, "epochs": 10, "g_width": 16, "d_width": 16}
_MOST_IMAGES = 5_000
_SMALL_ENOUGH = 64
"""Image size for pictures that have none of their own."""
_SMOKE = {"epochs": 1, "train_images": 256}
_SMOKE_LEVELS = {"epochs": [2, 3], "train_images": [128, 512]}
"""Of factors that `smoke` sets: a budget has to say their levels anew."""
_ALONE = ("study", "folders", "base", "primary", "metrics")
"""What is left of a study that has its baseline alone."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says of a new study; `images` and `channels` are of a `folder:NAME` only."""

    name: str
    ablate: Mapping[str, tuple[Any, ...]]
    """Factor -> its levels; none: the usual ones."""
    dataset: str = "mnist_5k"
    network: str = "dcgan"
    images: int = 0
    channels: int = 3


def new_study(answers: Answers) -> tuple[str, Study]:
    """The text of the study's file, and the study as it is loaded from it.

    Raises:
        ValueError: A factor has no usual levels, or the study has mistakes; the text says which.
    """
    values = yaml.safe_load(_text(answers, {}))
    alone = {key: values[key] for key in _ALONE if key in values}
    baseline = expand(Study.model_validate(alone)).arms[0].config
    ablate = {
        factor: list(levels or _usual_levels(factor, baseline))
        for factor, levels in answers.ablate.items()
    }
    text = _text(answers, ablate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{answers.name}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            return text, load_study(path)
        except StudyError as error:
            messages = [problem.message for problem in error.problems]
            causes = [line for line in messages if not line.startswith("claim ")]  # of a wrong arm
            raise ValueError("\n".join(causes or messages)) from None


def _usual_levels(factor: str, baseline: TrialConfig) -> list[Any]:
    """At most two levels that are not the baseline's own."""
    if factor in NO_USUAL_LEVELS:
        raise ValueError(f"{factor} has no usual levels; name them: {factor}=LEVEL,LEVEL")
    setting = SETTINGS[factor]
    value = getattr(baseline, setting.fields[0], None)
    levels: Iterable[Any] = _LEVELS.get(factor) or _LEVELS.get(factor.partition("_")[2]) or ()
    if not levels:
        if not setting.number:
            levels = setting.choices
        elif setting.whole:
            levels = (value // 2, 2 * value) if value and value > 1 else (1, 2, 3)
        else:
            levels = (value / 2, 2 * value) if value else (1, 2)
    return [level for level in levels if level != value][:_MOST_LEVELS]


def _text(answers: Answers, ablate: Mapping[str, Sequence[Any]]) -> str:
    """The template with its slots filled; without factors its `ablate` and claim are empty."""
    dataset = DATASETS.get(answers.dataset)
    images = dataset.images if dataset else answers.images
    channels = dataset.channels if dataset else answers.channels
    extractor = extractor_of(answers.dataset, channels)
    amount = {
        **_AMOUNTS.get(answers.network, _OTHER_AMOUNT),
        "batch_size": min(32, max(2, images // 2)),
    }
    if images > _MOST_IMAGES:
        amount["train_images"] = _MOST_IMAGES
    smoke: dict[str, Any] = {**_SMOKE, "replicates": 1}
    batches = [size for size in ablate.get("batch_size", ()) if isinstance(size, int)]
    smoke["train_images"] = max([smoke["train_images"], *batches])
    smoke |= {f"ablate.{name}": _SMOKE_LEVELS[name] for name in ablate if name in _SMOKE}
    if not (dataset and dataset.embedded) and "dataset" not in ablate:
        smoke["dataset"] = "mnist_5k" if channels == 1 else "photo_patches"
    factor, levels = next(iter(ablate.items()), ("", ()))
    claimed = f"{factor}={text_of(factor, read_value(factor, levels[0]))}" if levels else ""
    file = Path(__file__).with_name("study.yaml.j2")
    template = Template(
        file.read_text(encoding="utf-8"), trim_blocks=True, keep_trailing_newline=True,
        undefined=StrictUndefined,
    )  # fmt: skip
    text: str = template.render(
        schema=STUDY_SCHEMA,
        name=answers.name,
        factors=joined(list(ablate), 4),
        arms=1 + sum(map(len, ablate.values())),
        folder=answers.dataset.partition(FOLDER_PREFIX)[2],
        images=images,
        channels=channels,
        dataset=answers.dataset,
        network=answers.network,
        image_size=_image_size(dataset, answers.network),
        amount=_as_yaml(amount),
        ablate=_as_yaml(ablate),
        smoke=_as_yaml(smoke),
        modes=extractor is not None and answers.dataset in EXTRACTORS[extractor].tells,
        claimed=claimed,
    )
    return text


def _image_size(dataset: Dataset | None, network: str) -> int:
    """The data set's own size where the network can be built for it, else the nearest below."""
    size = (dataset and dataset.image_size) or _SMALL_ENOUGH
    sizes = NETWORKS[network].image_sizes
    if sizes is None or size in sizes:
        return size
    return max((smaller for smaller in sizes if smaller < size), default=min(sizes))


def _as_yaml(values: Mapping[str, Any]) -> dict[str, str]:
    """Key -> value as YAML writes it on one line."""
    return {
        key: yaml.safe_dump([value], default_flow_style=True, width=10_000)[1:-2]
        for key, value in values.items()
    }
