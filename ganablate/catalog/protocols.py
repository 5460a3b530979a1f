"""With which weights and against which real images a trial is measured now.

A protocol stamp names both, so that a number of an older version of the shipped extractors, or of
an older choice of real images, can be told from today's.
"""

import re
from typing import Literal

from ganablate.catalog.datasets import DATASETS
from ganablate.catalog.metrics import EXTRACTORS, NAMED_EXTRACTORS

Split = Literal["train", "test"]

_WEIGHTS = re.compile(r"\b(\w+)@[0-9a-f]{8}\b")
_SPLIT = re.compile(r", real \d+ of \d+ (train|test), ")


def real_split(dataset: str) -> Split:
    """The split whose images are the real ones: the test split where the data set has one.

    A generator is trained on the other, so that one that repeats its training images is not
    compared with themselves.
    """
    line = DATASETS.get(dataset)
    return "train" if line is None or line.test is None else "test"


def weights_stamp(extractor: str) -> str:
    """An extractor and the first digits of its weights' sha256, as protocols name them.

    Raises:
        KeyError: there is no such extractor.
    """
    line = NAMED_EXTRACTORS.get(extractor) or EXTRACTORS[extractor]
    return f"{extractor}@{line.sha256[:8]}"


def is_outdated(stamp: str, dataset: str) -> bool:
    """Whether a number with this protocol would be measured otherwise now.

    It is where the stamp names other weights of an extractor than today's, or another split of the
    data set. A stamp that names neither is of no metric on images, and never outdated.
    """
    weights = _WEIGHTS.search(stamp)
    extractors = {**EXTRACTORS, **NAMED_EXTRACTORS}
    if weights and weights[1] in extractors and weights[0] != weights_stamp(weights[1]):
        return True
    split = _SPLIT.search(stamp)
    return split is not None and split[1] != real_split(dataset)
