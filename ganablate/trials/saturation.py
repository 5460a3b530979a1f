"""When one net has won: one rule, by which trials are judged and by which they end early.

D's accuracies are shares in [0, 1] of a step's images that it is right about, by side: the real
ones and the generated ones. Losses here are every step of a trial, by key: float32 [steps].
"""

import itertools
from collections.abc import Mapping

import numpy as np

SIDES = {"real": "real", "fake": "generated"}
"""Side of a loss key -> what its images are called."""
ONE_SIDED = 0.98
"""Share of alike decisions from which D is one-sided about a set of images."""
FEWEST_STEPS = 10
"""Steps, at least, to be judged by."""
PARTS = 20
"""Parts of a training, after each of which a trial that may end early is looked at."""


def right_shares(
    losses: Mapping[str, np.ndarray], start: int = 0, stop: int | None = None
) -> dict[str, float]:
    """Mean share that D was right about in these steps, by side; NaN where a step is not finite."""
    found: dict[str, float] = {}
    for side in SIDES:
        steps = losses.get(f"d/accuracy_{side}", np.empty(0))[start:stop].astype(np.float64)
        known = steps.size > 0 and bool(np.isfinite(steps).all())
        found[side] = float(steps.mean()) if known else float("nan")
    return found


def sides_taken(right: Mapping[str, float]) -> tuple[bool, ...] | None:
    """Whether D is right about nearly all of each side, or wrong; None where it is neither of one.

    A share that is no number is neither.
    """
    shares = right.values()
    if not all(share >= ONE_SIDED or share <= 1 - ONE_SIDED for share in shares):
        return None
    return tuple(share >= ONE_SIDED for share in shares)


def said(right: Mapping[str, float]) -> str:
    """The shares in words."""
    shares = " and ".join(f"{100 * right[side]:.4g} % of {name}" for side, name in SIDES.items())
    return f"D right about {shares} images"


def checks(total: int) -> tuple[int, ...]:
    """Iterations after which a training of so many is looked at: the ends of its parts but one.

    They hang on the length alone, so that a trial ends at the same iteration however often it was
    stopped and gone on with.
    """
    return tuple(dict.fromkeys(-(-total * part // PARTS) for part in range(1, PARTS)))


def settled(losses: Mapping[str, np.ndarray], total: int, successive: int) -> slice | None:
    """The steps by which a trial is settled first: D took the same sides in so many parts in a row.

    Args:
        losses: Every step so far.
        total: Iterations of the whole training.
        successive: Parts in a row that settle it, 1 to 19.

    Returns:
        From the first step of the first of these parts to the check that ends the trial; None
        where it goes on. Fewer than `FEWEST_STEPS` settle nothing.
    """
    done = len(losses.get("d/accuracy_real", ()))
    taken: list[tuple[bool, ...] | None] = []
    edges = (0, *checks(total))
    for start, stop in itertools.pairwise(edges):
        if stop > done:
            break
        taken.append(sides_taken(right_shares(losses, start, stop)))
        first = edges[max(len(taken) - successive, 0)]
        alike = len(taken) >= successive and taken[-1] is not None
        if alike and len({*taken[-successive:]}) == 1 and stop - first >= FEWEST_STEPS:
            return slice(first, stop)
    return None
