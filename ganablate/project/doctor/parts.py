"""What studies need: the profile, data sets, extractors."""

import json
from pathlib import Path

from ganablate.catalog import DATASETS, EXTRACTORS, NAMED_EXTRACTORS
from ganablate.files import obstacle
from ganablate.metrics.features import MetricError
from ganablate.metrics.weight_files import WEIGHTS, Card
from ganablate.project.doctor.finding import Finding, Place
from ganablate.study.reading.errors import StudyError
from ganablate.sweep.profile import DEFAULT_PROFILE, load_profile
from ganablate.text import counted

FILES: dict[str, tuple[str, ...]] = {
    "mnist": ("MNIST/raw/train-images-idx3-ubyte",),
    "fashion_mnist": ("FashionMNIST/raw/train-images-idx3-ubyte",),
    "cifar10": ("cifar-10-batches-py", "cifar-10-batches-bin"),
    "flowers102": ("flowers-102/jpg",),
    "celeba": ("celeba/img_align_celeba",),
    "lsun_bedroom": ("bedroom_train_lmdb/data.mdb",),
    "imagenet": ("imagenet/train", "imagenet/ILSVRC2012_img_train.tar"),
}
"""Data set -> paths under the data root, of which one shows that it is there."""
DOWNLOADED = ("mnist", "fashion_mnist", "cifar10", "flowers102")


def profile(place: Place) -> Finding:
    """Whether the profile can be read."""
    path = place.profile or DEFAULT_PROFILE
    if place.profile is None and not path.exists():
        return Finding("ok", f"no {path} here: the defaults, as on a laptop")
    try:
        read = load_profile(path)
    except StudyError as error:
        return Finding("fail", "; ".join(map(str, error.problems)), f"correct {path}")
    return Finding("ok", f"{path}: device {read.device}, concurrency {read.concurrency}")


def cluster(place: Place) -> Finding:
    """Whether the nodes of the cluster that the profile names will do."""
    if place.used is None or place.used.address is None:
        return Finding("ok", "none is named: sweeps run on this machine alone")
    from ganablate.sweep.cluster import look_at_nodes
    from ganablate.sweep.interrupt import Interruption
    from ganablate.sweep.machine import MachineError, wants_cuda

    address, wanted = place.used.address, wants_cuda(place.used, cuda_named=False)
    try:
        nodes = look_at_nodes(address, place.runs.resolve(), Interruption(), gpus=wanted)
    except MachineError as error:
        return Finding("fail", "; ".join(str(error).splitlines()), "see docs/cluster.md")
    cpus, gpus = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
    count = counted(len(nodes), "node")
    return Finding("ok", f"{address}: {count} with {cpus} CPUs and {gpus} GPUs to give")


def data(place: Place) -> Finding:
    """Which data sets are here, and how to get the others."""
    here = [name for name in FILES if _is_here(name, place)]
    embedded = [name for name, dataset in DATASETS.items() if dataset.embedded]
    absent = [name for name in FILES if name not in here]
    advice = []
    if fetched := [name for name in absent if name in DOWNLOADED]:
        advice.append(f"{', '.join(fetched)}: downloaded when first needed")
    if by_hand := [name for name in absent if name not in DOWNLOADED]:
        names = ", ".join(by_hand)
        advice.append(f"{names}: put there by hand, `ganablate run` says which files")
    text = f"embedded: {', '.join(embedded)}; in {place.data_root}/: {', '.join(here) or 'none'}"
    return Finding("ok", text, "; ".join(advice))


def data_root(place: Place) -> Finding:
    """Whether the data root can be read, and written where sets are still to be downloaded."""
    if place.data_root.exists() and not place.data_root.is_dir():
        return Finding("fail", f"{place.data_root} is a file", "name a folder with --data-root")
    missing = [name for name in DOWNLOADED if not _is_here(name, place)]
    if missing and (reason := obstacle(place.data_root)):
        text = f"{reason}; so {', '.join(missing)} cannot be downloaded there"
        return Finding("warn", text, "name another folder with --data-root, or make it writable")
    return Finding("ok", f"{place.data_root}/")


def extractors(place: Place) -> Finding:
    """The shipped extractors: each weight file has the sha256 that its card states."""
    faults = []
    for extractor in EXTRACTORS.values():
        try:
            Card.of((place.weights or WEIGHTS) / extractor.weights)
        except (MetricError, ValueError, OSError) as error:
            faults.append(str(error).splitlines()[0])
    if faults:
        return Finding("fail", "; ".join(faults), "install ganablate again, or git checkout them")
    return Finding("ok", f"the weights of all {len(EXTRACTORS)} shipped ones have their sha256")


def named_extractors(place: Place) -> Finding:
    """Inception-v3, which only studies with `extractor: inception` need."""
    faults = place.torch.found.get("extractors")
    if faults is None:
        return Finding("warn", "not looked for, since torch does not load", "see torch")
    if lacking := [fault for fault in faults.values() if fault]:
        names = ", ".join(f"`extractor: {name}`" for name in NAMED_EXTRACTORS)
        return Finding("ok", f"absent; only studies with {names} need it", "; ".join(lacking))
    return Finding("ok", f"{', '.join(NAMED_EXTRACTORS)}: weights and package are here")


def _is_here(dataset: str, place: Place) -> bool:
    """Under the data root, or materialised by an earlier run."""
    if any((place.data_root / path).exists() for path in FILES[dataset]):
        return True
    cards = (place.runs / "data").glob(f"{dataset}-*/card.json")
    return any(_is_whole(card) for card in cards)


def _is_whole(card: Path) -> bool:
    try:
        return "fingerprint" in json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
