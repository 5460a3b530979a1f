"""A new study out of a few answers: what it varies, on what, and how much work it is.

The sizes at the budget `cpu` are those with which the shipped studies draw digits within minutes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ganablate.catalog import DATASETS, EXTRACTORS, FOLDER_PREFIX, NETWORKS, SETTINGS, extractor_of
from ganablate.study.arms.layout import lay_out
from ganablate.study.arms.settings import axes, text_of
from ganablate.study.checks.check import check
from ganablate.study.plan import FULL
from ganablate.study.schema import Study

DEFAULT_FACTORS = ("criterion", "latent_dim")
NO_USUAL_LEVELS = ("dataset", "crop", "iterations", "early_end", "device")
"""Factors that hang on the images, on the machine, or on how the length is counted and cut."""

_CPU: dict[str, dict[str, Any]] = {
    "conv28": {"epochs": 20, "g_width": 16, "d_width": 32, "lr": 1e-3},
    "conv32": {"epochs": 40, "g_width": 16, "d_width": 32, "lr": 1e-3},
    "mlp": {"epochs": 40, "batch_size": 64, "g_width": 512, "d_width": 128, "lr": 1e-3},
    "dcgan": {
        "epochs": 10, "batch_size": 32, "g_width": 16, "d_width": 16, "init": "torch", "lr": 1e-3,
    },
    "enhanced": {"epochs": 10, "batch_size": 32, "g_width": 16, "d_width": 16},
}  # fmt: skip
_CPU_OTHERWISE = {"epochs": 10, "batch_size": 32, "g_width": 16, "d_width": 16}
_CPU_IMAGES = 5_000
_SMOKE = {"epochs": 1, "train_images": 256, "batch_size": 32, "g_width": 8, "d_width": 8}
_SMALL_ENOUGH = 64
"""Largest image size chosen for pictures that have none of their own."""

_USUAL: dict[str, tuple[Any, ...]] = {
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
}
"""Levels worth a look, where half and double of the baseline's are not; for g_ and d_ forms too."""
_MOST_LEVELS = 2
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says of a new study.

    `ablate` holds the levels of each factor; none: the usual ones. `images` and `channels` are of
    a `folder:NAME` only.
    """

    name: str
    dataset: str = "mnist_5k"
    network: str = "dcgan"
    criterion: str = "bce"
    ablate: Mapping[str, tuple[Any, ...]] = field(
        default_factory=lambda: dict.fromkeys(DEFAULT_FACTORS, ())
    )
    replicates: int = 3
    epochs: int = 50
    asks: str | None = None
    images: int | None = None
    channels: int = 3

    @property
    def question(self) -> str:
        """What the study asks."""
        if self.asks:
            return self.asks
        factors = " and ".join(", ".join(self.ablate).rsplit(", ", 1))
        if len(self.ablate) > _MOST_NAMED:
            factors = f"{len(self.ablate)} settings"
        verb = "does" if len(self.ablate) == 1 else "do"
        return f"What {verb} {factors} change for the network {self.network} on {self.dataset}?"


def study_of(answers: Answers) -> dict[str, Any]:
    """The study as values, as its file would give them.

    Raises:
        ValueError: no usual level of a factor fits; the text says why.
    """
    base = _base(answers)
    folders = _folders(answers)
    ablate = {
        factor: list(levels or _usual_levels(factor, base, folders))
        for factor, levels in answers.ablate.items()
    }
    budgets = {"smoke": {**_smoke(answers), "replicates": 1}, "cpu": _cpu(answers)}
    for budget in budgets.values():
        changes = {name: value for name, value in budget.items() if name in SETTINGS}
        budget |= _restated(answers, ablate, changes, {**base, **changes}, folders)
    return {
        "study": answers.name,
        "asks": answers.question,
        "base": base,
        "ablate": ablate,
        "replicates": answers.replicates,
        "default_budget": "cpu",
        "budgets": budgets,
        "primary": "fid",
        "metrics": ["d_loss", "g_loss", "d_accuracy", "fid", *_modes(answers)],
        **({"folders": folders} if folders else {}),
        "claims": [_claim(ablate)],
    }


def image_size(dataset: str, network: str) -> int:
    """The data set's own size where the network can be built for it, else the nearest below."""
    known = DATASETS.get(dataset)
    own = (known.image_size if known else None) or _SMALL_ENOUGH
    sizes = NETWORKS[network].image_sizes
    if sizes is None or own in sizes:
        return own
    return max((size for size in sizes if size < own), default=min(sizes))


def _restated(
    answers: Answers,
    ablate: Mapping[str, list[Any]],
    changes: Mapping[str, Any],
    base: Mapping[str, Any],
    folders: Mapping[str, Any],
) -> Iterator[tuple[str, list[Any]]]:
    """The levels of what a budget changes, and of what does not fit its images.

    Levels that the answers name stay as far as they fit, but not those of the amount of work.
    """
    touched = {axis for name in changes for axis in axes(name)}
    for factor, levels in ablate.items():
        fitting = _fitting(factor, levels, base, folders)
        if touched.isdisjoint(axes(factor)) and fitting == levels:
            continue
        kept = fitting if answers.ablate[factor] and factor not in _SMOKE else []
        yield f"ablate.{factor}", kept or _usual_levels(factor, base, folders)


def _base(answers: Answers) -> dict[str, Any]:
    wasserstein = answers.criterion == "wasserstein"
    trained = {"optimizer": "rmsprop", "lr": 5e-5} if wasserstein else {"lr": 2e-4, "beta1": 0.5}
    return {
        "dataset": answers.dataset,
        "network": answers.network,
        "image_size": image_size(answers.dataset, answers.network),
        "latent_dim": 100,
        "criterion": answers.criterion,
        **({} if wasserstein else {"optimizer": "adam"}),
        **trained,
        "batch_size": _batch_size(answers, 64),
        "epochs": answers.epochs,
    }


def _smoke(answers: Answers) -> dict[str, Any]:
    known = DATASETS.get(answers.dataset)
    if known is not None and known.embedded:
        return dict(_SMOKE)
    grey = (known.channels if known else answers.channels) == 1
    return {"dataset": "mnist_5k" if grey else "photo_patches", **_SMOKE}


def _cpu(answers: Answers) -> dict[str, Any]:
    amount = dict(_CPU.get(answers.network, _CPU_OTHERWISE))
    if answers.criterion == "wasserstein":
        amount |= {"lr": 1e-3, "epochs": 30}
        # It would stay for arms with another criterion.
        amount |= {} if "criterion" in answers.ablate else {"d_weight_clip": 0.03}
    if "batch_size" in amount:
        amount["batch_size"] = _batch_size(answers, amount["batch_size"])
    if answers.dataset == "mnist":
        return {"dataset": "mnist_5k", **amount}
    known = DATASETS.get(answers.dataset)
    if (known.images if known else answers.images or 0) > _CPU_IMAGES:
        amount |= {"train_images": _CPU_IMAGES}
    return amount


def _batch_size(answers: Answers, usual: int) -> int:
    """Half of a folder with few images, else the usual one."""
    return min(usual, max(2, (answers.images or 2 * usual) // 2))


def _folders(answers: Answers) -> dict[str, Any]:
    if not answers.dataset.startswith(FOLDER_PREFIX):
        return {}
    name = answers.dataset.removeprefix(FOLDER_PREFIX)
    facts = {"data_id": f"{name}-1", "channels": answers.channels, "images": answers.images}
    return {name: facts}


def _modes(answers: Answers) -> Iterator[str]:
    """`modes`, where the extractor tells the classes of the data set."""
    extractor = extractor_of(answers.dataset, answers.channels)
    if extractor is not None and answers.dataset in EXTRACTORS[extractor].tells:
        yield "modes"


def _claim(ablate: Mapping[str, list[Any]]) -> dict[str, Any]:
    factor, levels = next(iter(ablate.items()))
    arm = f"{factor}={text_of(factor, levels[0])}"
    return {
        "id": "C1",
        "says": f"{arm} makes the images worse",
        "compare": {"arm": arm, "metric": "fid", "is": "worse", "by": "1.25x"},
    }


def _usual_levels(factor: str, base: Mapping[str, Any], folders: Mapping[str, Any]) -> list[Any]:
    """At most two levels that fit and are not the baseline's own."""
    if factor in NO_USUAL_LEVELS:
        raise ValueError(f"{factor} has no usual levels; name them: {factor}=LEVEL,LEVEL")
    candidates = _candidates(factor, base, folders)
    found = _fitting(factor, candidates, base, folders)
    if not found:
        reason = _faults(factor, candidates[:1], base, folders)[0]
        raise ValueError(f"{reason}; ablate another factor")
    return found[:_MOST_LEVELS]


def _candidates(factor: str, base: Mapping[str, Any], folders: Mapping[str, Any]) -> list[Any]:
    """Levels to look at, the likeliest first; the baseline's own may be among them."""
    setting = SETTINGS[factor]
    usual = _USUAL.get(factor) or _USUAL.get(factor.partition("_")[2])
    if usual is not None:
        return list(usual)
    if not setting.number:
        return list(setting.choices)
    if factor == "image_size" and (sizes := NETWORKS[base["network"]].image_sizes):
        return list(sizes)
    study = Study.model_validate(_minimal(base, folders))
    own = lay_out(study, FULL).rows[0].resolution.values.get(setting.fields[0])
    if own is None and factor == "train_images":
        own = _images(base["dataset"], folders)
    if own is None:
        return [1, 2]
    if not setting.whole:
        return [own / 2, 2 * own]
    return [own // 2, 2 * own] if own > 1 else [2, 3]


def _images(dataset: str, folders: Mapping[str, Any]) -> int:
    folder = folders.get(dataset.removeprefix(FOLDER_PREFIX))
    return DATASETS[dataset].images if folder is None else int(folder["images"])


def _fitting(
    factor: str, levels: Iterable[Any], base: Mapping[str, Any], folders: Mapping[str, Any]
) -> list[Any]:
    return [level for level in levels if not _faults(factor, [level], base, folders)]


def _faults(
    factor: str, levels: list[Any], base: Mapping[str, Any], folders: Mapping[str, Any]
) -> list[str]:
    study = Study.model_validate({**_minimal(base, folders), "ablate": {factor: levels}})
    return [fault.message for fault in check(study)]


def _minimal(base: Mapping[str, Any], folders: Mapping[str, Any]) -> dict[str, Any]:
    head = {"study": "x", "primary": "d_loss_mean", "metrics": ["d_loss"]}
    return {**head, "base": dict(base), "folders": dict(folders)}
