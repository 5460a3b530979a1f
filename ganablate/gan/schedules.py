"""Learning rates over a trial: the factor that the rates of both nets are multiplied by.

A schedule is `f(progress) -> factor`, progress being the share of iterations done: 0 at the first,
below 1 at the last. The factor is 1 at the start.
"""

import math


def linear(progress: float) -> float:
    """Falls evenly to 0.

    Source: Gulrajani et al. 2017, arXiv 1704.00028 (their CIFAR-10 networks).
    """
    return 1 - progress


def cosine(progress: float) -> float:
    """Half a wave of the cosine, from 1 to 0.

    Source: Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5, without restarts.
    """
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear_late(progress: float) -> float:
    """Constant for the first half, then evenly to 0.

    Source: Zhu et al. 2017, arXiv 1703.10593 (CycleGAN), section 7.1.
    """
    return min(1.0, 2 * (1 - progress))
