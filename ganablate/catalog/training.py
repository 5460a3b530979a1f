"""How the two nets are trained: criteria, penalties, optimizers."""

from ganablate.catalog.parts import Criterion, Optimizer, Penalty

_GOODFELLOW = "Goodfellow et al. 2014, arXiv 1406.2661"

CRITERIA: dict[str, Criterion] = {
    "bce": Criterion(
        implementation="ganablate.gan.criteria:bce",
        summary="binary cross-entropy, non-saturating generator loss",
        source=f"{_GOODFELLOW}, section 3; R0",
        threshold=0.0,
    ),
    "minimax": Criterion(
        implementation="ganablate.gan.criteria:minimax",
        summary="the two-player minimax game; its generator loss saturates",
        source=f"{_GOODFELLOW}, equation 1",
        threshold=0.0,
    ),
    "mse": Criterion(
        implementation="ganablate.gan.criteria:mse",
        summary="mean squared error on sigmoid outputs",
        source="R0, section 4.2 (R0.4)",
        threshold=0.0,
    ),
    "least_squares": Criterion(
        implementation="ganablate.gan.criteria:least_squares",
        summary="squared distance of the raw output to 1 and 0 (LSGAN)",
        source="Mao et al. 2017, arXiv 1611.04076, equation 9",
        threshold=0.5,
    ),
}

PENALTIES: dict[str, Penalty] = {
    "r1": Penalty(
        implementation="ganablate.gan.penalties:r1",
        summary="half the squared gradient of D at the real images",
        source="Mescheder et al. 2018, arXiv 1801.04406, equation 9",
        default_weight=10.0,
    ),
}

OPTIMIZERS: dict[str, Optimizer] = {
    "adam": Optimizer(
        implementation="ganablate.gan.optimizers:adam",
        summary="Adam",
        source="Kingma and Ba 2015, arXiv 1412.6980; beta1 0.5 as in DCGAN, arXiv 1511.06434",
        settings={"beta1": 0.5, "beta2": 0.999},
    ),
    "sgd": Optimizer(
        implementation="ganablate.gan.optimizers:sgd",
        summary="stochastic gradient descent with momentum",
        source=f"{_GOODFELLOW}, section 4; momentum 0.5 named by R0",
        settings={"momentum": 0.0},
    ),
    "rmsprop": Optimizer(
        implementation="ganablate.gan.optimizers:rmsprop",
        summary="RMSprop",
        source="Tieleman and Hinton 2012, lecture 6.5; R3.D",
        settings={"momentum": 0.0},
    ),
}
