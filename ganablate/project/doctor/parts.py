"""What studies need: the profile, data sets, extractors."""

import json
from pathlib import Path

from ganablate.catalog import DATASETS, EXTRACTORS, NAMED_EXTRACTORS
from ganablate.metrics.card import WEIGHTS, Card
from ganablate.metrics.errors import MetricError
from ganablate.project.doctor.finding import Finding, Place
from ganablate.study.reading.errors import StudyError
from ganablate.sweep.profile import DEFAULT_PROFILE, load_profile

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
        found = load_profile(path)
    except StudyError as error:
        return Finding("fail", "; ".join(map(str, error.problems)), f"correct {path}")
    return Finding("ok", f"{path}: device {found.device}, concurrency {found.concurrency}")


def cluster(place: Place) -> Finding:
    """Whether the nodes of the cluster that the profile names will do."""
    used = place.used
    if used is None or used.address is None:
        return Finding("ok", "none is named: sweeps run on this machine alone")
    from ganablate.sweep.cluster import look_at_nodes
    from ganablate.sweep.interrupt import Interruption
    from ganablate.sweep.machine import MachineError, wants_cuda

    wanted = wants_cuda(used, cuda_named=False)
    try:
        nodes = look_at_nodes(used.address, place.runs.resolve(), Interruption(), gpus=wanted)
    except MachineError as error:
        return Finding("fail", "; ".join(str(error).splitlines()), "see docs/cluster.md")
    cpus, gpus = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
    count = f"{len(nodes)} {'node' if len(nodes) == 1 else 'nodes'}"
    return Finding("ok", f"{used.address}: {count} with {cpus} CPUs and {gpus} GPUs to give")


def data(place: Place) -> Finding:
    """Which data sets are here, and how to get the others."""
    here = [name for name in FILES if _is_here(name, place)]
    embedded = [name for name, line in DATASETS.items() if line.embedded]
    fetched = [name for name in DOWNLOADED if name not in here]
    by_hand = [name for name in FILES if name not in here and name not in DOWNLOADED]
    advice = [
        f"{', '.join(fetched)}: downloaded when first needed" if fetched else "",
        f"{', '.join(by_hand)}: put there by hand, `ganablate run` says which files"
        if by_hand
        else "",
    ]
    text = f"embedded: {', '.join(embedded)}; in {place.data_root}/: {', '.join(here) or 'none'}"
    return Finding("ok", text, "; ".join(filter(None, advice)))


def data_root(place: Place) -> Finding:
    """Whether the data root can be read, and written where sets are still to be downloaded."""
    from ganablate.files import obstacle

    if place.data_root.exists() and not place.data_root.is_dir():
        return Finding("fail", f"{place.data_root} is a file", "name a folder with --data-root")
    missing = [name for name in DOWNLOADED if not _is_here(name, place)]
    wrong = obstacle(place.data_root) if missing else None
    if wrong:
        return Finding(
            "warn",
            f"{wrong}; so {', '.join(missing)} cannot be downloaded there",
            "name another folder with --data-root, or make it writable",
        )
    return Finding("ok", f"{place.data_root}/")


def extractors(place: Place) -> Finding:
    """The shipped extractors: each weight file has the sha256 that its card states."""
    folder = place.weights or WEIGHTS
    wrong = []
    for line in EXTRACTORS.values():
        try:
            Card.of(folder / line.weights)
        except (MetricError, ValueError, OSError) as error:
            wrong.append(str(error).splitlines()[0])
    if wrong:
        return Finding("fail", "; ".join(wrong), "install ganablate again, or git checkout them")
    return Finding("ok", f"the weights of all {len(EXTRACTORS)} shipped ones have their sha256")


def named_extractors(place: Place) -> Finding:
    """Inception-v3, which only studies with `extractor: inception` need."""
    faults = place.torch.found.get("extractors")
    if faults is None:
        return Finding("warn", "not looked for, since torch does not load", "see torch")
    lacking = [fault for fault in faults.values() if fault]
    if lacking:
        names = ", ".join(f"`extractor: {name}`" for name in NAMED_EXTRACTORS)
        text = f"absent; only studies with {names} need it"
        return Finding("ok", text, "; ".join(lacking))
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
