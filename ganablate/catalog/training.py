"""How the two nets are trained: criteria, penalties, optimizers, schedules."""

from ganablate.catalog.parts import Criterion, Optimizer, Penalty, Schedule

_GOODFELLOW = "Goodfellow et al. 2014, arXiv 1406.2661"

CRITERIA: dict[str, Criterion] = {
    "bce": Criterion(
        implementation="ganablate.gan.criteria:bce",
        summary="binary cross-entropy, non-saturating generator loss",
        source=f"{_GOODFELLOW}, section 3; R0",
        threshold=0.0,
        labels=True,
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
        labels=True,
    ),
    "least_squares": Criterion(
        implementation="ganablate.gan.criteria:least_squares",
        summary="squared distance of the raw output to 1 and 0 (LSGAN)",
        source="Mao et al. 2017, arXiv 1611.04076, equation 9",
        threshold=0.5,
        labels=True,
    ),
    "wasserstein": Criterion(
        implementation="ganablate.gan.criteria:wasserstein",
        summary="difference of the mean outputs (WGAN); D must be kept Lipschitz",
        source="Arjovsky et al. 2017, arXiv 1701.07875, algorithm 1; R3.E",
        threshold=0.0,
        decides=False,  # adding a constant changes nothing; at its optimum the gradients stay
        d_steps=5,
        weight_clip=0.01,
    ),
    "hinge": Criterion(
        implementation="ganablate.gan.criteria:hinge",
        summary="margin loss on the raw outputs",
        source="Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957",
        threshold=0.0,
    ),
}

PENALTIES: dict[str, Penalty] = {
    "r1": Penalty(
        implementation="ganablate.gan.penalties:r1",
        summary="half the squared gradient of D at the real images",
        source="Mescheder et al. 2018, arXiv 1801.04406, equation 9",
        default_weight=10.0,
    ),
    "wgan_gp": Penalty(
        implementation="ganablate.gan.penalties:wgan_gp",
        summary="gradient norm 1 between real and generated images (WGAN-GP)",
        source="Gulrajani et al. 2017, arXiv 1704.00028, equation 3; R3.F",
        default_weight=10.0,
    ),
    "dragan": Penalty(
        implementation="ganablate.gan.penalties:dragan",
        summary="gradient norm 1 around the real images, Gaussian noise, as published (DRAGAN)",
        source="Kodali et al. 2017, arXiv 1705.07215, algorithm 1; R1",
        default_weight=10.0,
    ),
    "dragan_one_sided": Penalty(
        implementation="ganablate.gan.penalties:dragan_one_sided",
        summary="gradient norm 1 at brightened real images, as in DRAGAN's code",
        source="code beside Kodali et al. 2017, arXiv 1705.07215; R1",
        default_weight=10.0,
    ),
}

OPTIMIZERS: dict[str, Optimizer] = {
    "adam": Optimizer(
        implementation="ganablate.gan.optimizers:adam",
        summary="Adam",
        source="Kingma and Ba 2015, arXiv 1412.6980; beta1 0.5 as in DCGAN, arXiv 1511.06434",
        settings={"beta1": 0.5, "beta2": 0.999, "weight_decay": 0.0},
    ),
    "adamw": Optimizer(
        implementation="ganablate.gan.optimizers:adamw",
        summary="Adam with decoupled weight decay",
        source="Loshchilov and Hutter 2019, arXiv 1711.05101; beta1 0.5 as for adam",
        settings={"beta1": 0.5, "beta2": 0.999, "weight_decay": 0.01},
    ),
    "sgd": Optimizer(
        implementation="ganablate.gan.optimizers:sgd",
        summary="stochastic gradient descent with momentum",
        source=f"{_GOODFELLOW}, section 4; momentum 0.5 named by R0",
        settings={"momentum": 0.0, "weight_decay": 0.0},
    ),
    "rmsprop": Optimizer(
        implementation="ganablate.gan.optimizers:rmsprop",
        summary="RMSprop, with the lecture's and Keras' decay of 0.9 (torch's own is 0.99)",
        source="Tieleman and Hinton 2012, lecture 6.5; R3.D",
        settings={"alpha": 0.9, "momentum": 0.0, "weight_decay": 0.0},
    ),
    "adadelta": Optimizer(
        implementation="ganablate.gan.optimizers:adadelta",
        summary="Adadelta",
        source="Zeiler 2012, arXiv 1212.5701; R3.D",
        settings={"rho": 0.9, "weight_decay": 0.0},
    ),
    "adagrad": Optimizer(
        implementation="ganablate.gan.optimizers:adagrad",
        summary="Adagrad",
        source="Duchi et al. 2011; R3.D",
        settings={"weight_decay": 0.0},
    ),
}

SCHEDULES: dict[str, Schedule] = {
    "linear": Schedule(
        implementation="ganablate.gan.schedules:linear",
        summary="falls evenly to 0",
        source="Gulrajani et al. 2017, arXiv 1704.00028",
    ),
    "linear_late": Schedule(
        implementation="ganablate.gan.schedules:linear_late",
        summary="constant for the first half, then evenly to 0",
        source="Zhu et al. 2017, arXiv 1703.10593, section 7.1",
    ),
    "cosine": Schedule(
        implementation="ganablate.gan.schedules:cosine",
        summary="half a wave of the cosine to 0",
        source="Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5",
    ),
}
