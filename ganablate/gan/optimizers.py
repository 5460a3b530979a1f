"""The optimizers a study can name. Each takes parameters and the settings its catalog line lists.

They are torch's own, and so are the settings' names and meanings, but for `beta1` and `beta2`,
the two `betas`. `fused=True` updates all parameters in one kernel, on the CPU as on CUDA, where
torch has one. The parameters must be on their device before the optimizer is made.
"""

from collections.abc import Iterable

from torch import nn, optim

Parameters = Iterable[nn.Parameter]


def adam(
    parameters: Parameters, *, lr: float, beta1: float, beta2: float, weight_decay: float
) -> optim.Optimizer:
    """Adam with epsilon 1e-8 (Kingma and Ba 2015, arXiv 1412.6980, algorithm 1).

    Weight decay is an L2 term in the gradient.
    """
    return optim.Adam(
        parameters, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, fused=True
    )


def adamw(
    parameters: Parameters, *, lr: float, beta1: float, beta2: float, weight_decay: float
) -> optim.Optimizer:
    """Adam whose weight decay shrinks the weights themselves (arXiv 1711.05101, algorithm 2)."""
    return optim.AdamW(
        parameters, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, fused=True
    )


def sgd(
    parameters: Parameters, *, lr: float, momentum: float, weight_decay: float
) -> optim.Optimizer:
    """Stochastic gradient descent with heavy-ball momentum; 0 is plain descent."""
    return optim.SGD(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, fused=True)


def rmsprop(
    parameters: Parameters, *, lr: float, alpha: float, momentum: float, weight_decay: float
) -> optim.Optimizer:
    """RMSprop; `alpha` is the decay of the squared gradients.

    Source: Tieleman and Hinton 2012, lecture 6.5.
    """
    return optim.RMSprop(
        parameters, lr=lr, alpha=alpha, momentum=momentum, weight_decay=weight_decay
    )


def adadelta(
    parameters: Parameters, *, lr: float, rho: float, weight_decay: float
) -> optim.Optimizer:
    """Adadelta; the paper has no learning rate, which is lr 1 (Zeiler 2012, arXiv 1212.5701)."""
    return optim.Adadelta(parameters, lr=lr, rho=rho, weight_decay=weight_decay)


def adagrad(parameters: Parameters, *, lr: float, weight_decay: float) -> optim.Optimizer:
    """Adagrad (Duchi et al. 2011, Journal of Machine Learning Research 12, figure 1)."""
    return optim.Adagrad(parameters, lr=lr, weight_decay=weight_decay, fused=True)
