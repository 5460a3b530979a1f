"""How nets are trained: trainers, criteria, penalties, optimizers, schedules."""

from ganablate.catalog.parts import Advice, Criterion, Optimizer, Penalty, Schedule, Trainer

_GOODFELLOW = "Goodfellow et al. 2014, arXiv 1406.2661"

_NO_MOMENTUM = tuple(
    Advice(
        what=f"clipped weights and {momentum} above 0 for D",
        because="training is unstable at times where the critic's optimizer has momentum",
        source="Arjovsky et al. 2017, arXiv 1701.07875, section 4",
        above={"d_weight_clip": 0, f"d_{momentum}": 0},
    )
    for momentum in ("beta1", "momentum")
)
_NO_BATCH_NORM = Advice(
    what="batch norm in D",
    because="the penalty is on D's gradient at each image by itself, and batch norm makes D map a "
    "whole batch",
    source="Gulrajani et al. 2017, arXiv 1704.00028, section 4",
    where={"d_norm": ("batch",)},
)

TRAINERS: dict[str, Trainer] = {
    "gan": Trainer(
        implementation="ganablate.gan.trainer:Trainer",
        summary="a generator and a discriminator against each other",
        source=f"{_GOODFELLOW}, algorithm 1",
    )
}

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
        advises_against=_NO_MOMENTUM,
    ),
    "hinge": Criterion(
        implementation="ganablate.gan.criteria:hinge",
        summary="margin loss on the raw outputs",
        source="Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957",
        threshold=0.0,
    ),
    "relativistic": Criterion(
        implementation="ganablate.gan.criteria:relativistic",
        summary="each net wants its image ahead of the other's, pair by pair (RpGAN, R3GAN)",
        source="Jolicoeur-Martineau 2018, arXiv 1807.00734; Huang et al. 2024, arXiv 2501.05441",
        threshold=0.0,
        decides=False,  # adding a constant to the logits changes nothing
        pairs=True,
    ),
}

PENALTIES: dict[str, Penalty] = {
    name: Penalty(
        implementation=f"ganablate.gan.penalties:{name}",
        summary=summary,
        source=source,
        default_weight=10.0,
        advises_against=tuple(advice),
    )
    for name, summary, source, *advice in (
        ("r1", "half the squared gradient of D at the real images",
         "Mescheder et al. 2018, arXiv 1801.04406, equation 9"),
        ("r2", "half the squared gradient of D at the generated images",
         "Mescheder et al. 2018, arXiv 1801.04406, equation 10; Huang et al. 2024, arXiv "
         "2501.05441"),
        ("wgan_gp", "gradient norm 1 between real and generated images (WGAN-GP)",
         "Gulrajani et al. 2017, arXiv 1704.00028, equation 3; R3.F", _NO_BATCH_NORM),
        ("dragan", "gradient norm 1 around the real images, Gaussian noise, as published (DRAGAN)",
         "Kodali et al. 2017, arXiv 1705.07215, algorithm 1; R1"),
        ("dragan_one_sided", "gradient norm 1 at brightened real images, as in DRAGAN's code",
         "code beside Kodali et al. 2017, arXiv 1705.07215; R1"),
    )
}  # fmt: skip

OPTIMIZERS: dict[str, Optimizer] = {
    name: Optimizer(
        implementation=f"ganablate.gan.optimizers:{name}",
        summary=summary,
        source=source,
        settings=settings,
    )
    for name, settings, summary, source in (
        ("adam", {"beta1": 0.5, "beta2": 0.999, "weight_decay": 0.0}, "Adam",
         "Kingma and Ba 2015, arXiv 1412.6980; beta1 0.5 as in DCGAN, arXiv 1511.06434"),
        ("adamw", {"beta1": 0.5, "beta2": 0.999, "weight_decay": 0.01},
         "Adam with decoupled weight decay",
         "Loshchilov and Hutter 2019, arXiv 1711.05101; beta1 0.5 as for adam"),
        ("sgd", {"momentum": 0.0, "weight_decay": 0.0},
         "stochastic gradient descent with momentum",
         f"{_GOODFELLOW}, section 4; momentum 0.5 named by R0"),
        ("rmsprop", {"alpha": 0.9, "momentum": 0.0, "weight_decay": 0.0},
         "RMSprop, with the lecture's and Keras' decay of 0.9 (torch's own is 0.99)",
         "Tieleman and Hinton 2012, lecture 6.5; R3.D"),
        ("adadelta", {"rho": 0.9, "weight_decay": 0.0}, "Adadelta",
         "Zeiler 2012, arXiv 1212.5701; R3.D"),
        ("adagrad", {"weight_decay": 0.0}, "Adagrad", "Duchi et al. 2011; R3.D"),
    )
}  # fmt: skip

SCHEDULES: dict[str, Schedule] = {
    name: Schedule(
        implementation=f"ganablate.gan.schedules:{name}", summary=summary, source=source
    )
    for name, summary, source in (
        ("linear", "falls evenly to 0", "Gulrajani et al. 2017, arXiv 1704.00028"),
        ("linear_late", "constant for the first half, then evenly to 0",
         "Zhu et al. 2017, arXiv 1703.10593, section 7.1"),
        ("cosine", "half a wave of the cosine to 0",
         "Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5"),
    )
}  # fmt: skip
