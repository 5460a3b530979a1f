"""When one net has won: one rule, by which trials are judged and by which they end early.

D's accuracies are shares in [0, 1] of a step's images that it is right about, by side: the real
ones and the generated ones. Losses here are every step of a trial, by key: float32 [steps].
"""

import itertools
from collections.abc import Mapping

import numpy as np

from ganablate.text import percent
from ganablate.trials.folder import equal_parts

SIDES = {"real": "real", "fake": "generated"}
"""Side of a loss key -> what its images are called."""
ONE_SIDED = 0.98
"""Share of alike decisions from which D is one-sided about a set of images."""
FEWEST_STEPS = 10
"""Steps that a judgement needs at least."""
PARTS = 20
"""Parts of a training; after each of them a trial that may end early is checked."""


def accuracies(
    losses: Mapping[str, np.ndarray], start: int = 0, stop: int | None = None
) -> dict[str, float]:
    """D's mean accuracy over these steps, by side; NaN where a step is missing or not finite."""
    means: dict[str, float] = {}
    for side in SIDES:
        steps = losses.get(f"d/accuracy_{side}", np.empty(0))[start:stop].astype(np.float64)
        complete = steps.size > 0 and bool(np.isfinite(steps).all())
        means[side] = float(steps.mean()) if complete else float("nan")
    return means


def one_sided(accuracy: Mapping[str, float]) -> tuple[bool, ...] | None:
    """For each side, whether D is right about nearly all of it (True) or wrong (False).

    None where D is neither on some side, or where an accuracy is NaN.
    """
    shares = accuracy.values()
    if not all(share >= ONE_SIDED or share <= 1 - ONE_SIDED for share in shares):
        return None
    return tuple(share >= ONE_SIDED for share in shares)


def accuracies_text(accuracy: Mapping[str, float]) -> str:
    """`D right about 99 % of real and 98.7 % of generated images`."""
    shares = " and ".join(f"{percent(accuracy[side])} of {name}" for side, name in SIDES.items())
    return f"D right about {shares} images"


def checks(total: int) -> tuple[int, ...]:
    """Iterations after which a training of `total` is checked: the ends of its parts but the last.

    They depend on the length alone, so that a trial ends at the same iteration however often it was
    stopped and resumed.
    """
    return tuple(dict.fromkeys(equal_parts(total, PARTS)[:-1]))


def saturated_steps(losses: Mapping[str, np.ndarray], total: int, successive: int) -> slice | None:
    """The steps by which a trial first counts as saturated: D is one-sided alike in each part.

    They go from the first step of the first of so many `successive` parts (1 to 19) to the check
    that ends the trial. None: training goes on, as it does while they are fewer than
    `FEWEST_STEPS`.
    """
    done = len(losses.get("d/accuracy_real", ()))
    decisions: list[tuple[bool, ...] | None] = []
    edges = (0, *checks(total))
    for start, stop in itertools.pairwise(edges):
        if stop > done:
            break
        decisions.append(one_sided(accuracies(losses, start, stop)))
        first = edges[max(len(decisions) - successive, 0)]
        enough = len(decisions) >= successive and stop - first >= FEWEST_STEPS
        if enough and decisions[-1] is not None and len({*decisions[-successive:]}) == 1:
            return slice(first, stop)
    return None
