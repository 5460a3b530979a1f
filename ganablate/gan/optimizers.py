"""The optimizers a study can name. Each takes parameters and the settings its catalog line lists.

`fused=True` updates all parameters in one kernel, on the CPU as on CUDA; torch has no fused
RMSprop. The parameters must be on their device before the optimizer is made.
"""

from collections.abc import Iterable

from torch import nn, optim


def adam(
    parameters: Iterable[nn.Parameter], *, lr: float, beta1: float, beta2: float
) -> optim.Optimizer:
    """Adam with epsilon 1e-8 (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1)."""
    return optim.Adam(parameters, lr=lr, betas=(beta1, beta2), eps=1e-8, fused=True)


def sgd(parameters: Iterable[nn.Parameter], *, lr: float, momentum: float) -> optim.Optimizer:
    """Stochastic gradient descent with heavy-ball momentum; 0 is plain descent."""
    return optim.SGD(parameters, lr=lr, momentum=momentum, fused=True)


def rmsprop(parameters: Iterable[nn.Parameter], *, lr: float, momentum: float) -> optim.Optimizer:
    """RMSprop with decay 0.9, the lecture's and Keras' (torch's own default is 0.99).

    Source: Tieleman and Hinton 2012, lecture 6.5.
    """
    return optim.RMSprop(parameters, lr=lr, alpha=0.9, eps=1e-8, momentum=momentum)
