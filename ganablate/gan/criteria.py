"""The two losses of a GAN, from logits.

A criterion is `f(real_logits, fake_logits) -> (d_loss, g_loss)`. Logits are [batch], of any
floating type; both losses are 0-d float32, because half precision loses what matters once a net
is winning. The discriminator step differentiates the first, the generator step the second.
Everywhere below D(x) = sigmoid(logit l), E is the mean over the batch, and the discriminator's
loss is the *sum* of its real and its fake part (some code bases report half of that). Only
`relativistic` lets the generator's loss depend on the real logits.

Those that compare with labels also take `real_labels` and `fake_labels`, [batch] in [0, 1], in
place of the 1 and the 0 of the discriminator's loss (label smoothing: Salimans et al. 2016, arXiv
1606.03498, section 3.4; R4.3). The generator still aims at the label 1.
"""

from torch import Tensor
from torch.nn import functional

Labels = Tensor | float


def bce(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_labels: Labels = 1.0,
    fake_labels: Labels = 0.0,
) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy with the non-saturating generator loss.

    d_loss = -E log D(x) - E log(1 - D(G(z))), g_loss = -E log D(G(z)).
    Both lie in [0, inf) nats; at logits 0 they are 2 log 2 and log 2. A label y in between makes
    its term -y log D - (1 - y) log(1 - D).

    Source: Goodfellow et al. 2014, arXiv 1406.2661, equation 1 and the end of section 3; R0.
    """
    d_loss = _cross_entropy(real_logits, real_labels) + _cross_entropy(fake_logits, fake_labels)
    return d_loss, _cross_entropy(fake_logits, 1.0)


def minimax(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """The zero-sum game: the generator minimises what the discriminator maximises.

    d_loss = -E log D(x) - E log(1 - D(G(z))), g_loss = E log(1 - D(G(z))).
    g_loss lies in (-inf, 0]; its gradient vanishes where D rejects the images (D(G(z)) near 0).

    Source: Goodfellow et al. 2014, arXiv 1406.2661, equation 1.
    """
    fake_part = _cross_entropy(fake_logits, 0.0)
    return _cross_entropy(real_logits, 1.0) + fake_part, -fake_part


def mse(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_labels: Labels = 1.0,
    fake_labels: Labels = 0.0,
) -> tuple[Tensor, Tensor]:
    """Mean squared error of the probabilities D to the labels 1 and 0.

    d_loss = E (D(x) - 1)^2 + E D(G(z))^2 in [0, 2], g_loss = E (D(G(z)) - 1)^2 in [0, 1].
    The sigmoid makes the gradient vanish on both sides, unlike `least_squares`.

    Source: R0, section 4.2 (R0.4); without a factor, as Keras' "mse".
    """
    real, fake = real_logits.float().sigmoid(), fake_logits.float().sigmoid()
    d_loss = (real - real_labels).square().mean() + (fake - fake_labels).square().mean()
    return d_loss, (fake - 1).square().mean()


def least_squares(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_labels: Labels = 1.0,
    fake_labels: Labels = 0.0,
) -> tuple[Tensor, Tensor]:
    """LSGAN: squared distance of the raw output l to the labels, with a = 0, b = c = 1.

    d_loss = 1/2 E (l(x) - 1)^2 + 1/2 E l(G(z))^2, g_loss = 1/2 E (l(G(z)) - 1)^2, in [0, inf).
    The halves are the paper's; they matter to SGD and to a penalty's weight, not to Adam.

    Source: Mao et al. 2017, arXiv 1611.04076, equation 9.
    """
    real, fake = real_logits.float(), fake_logits.float()
    real_part, fake_part = (real - real_labels).square(), (fake - fake_labels).square()
    return 0.5 * real_part.mean() + 0.5 * fake_part.mean(), 0.5 * (fake - 1).square().mean()


def wasserstein(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """WGAN: the critic's mean output on generated images, less that on real ones.

    d_loss = E l(G(z)) - E l(x), g_loss = -E l(G(z)), both in (-inf, inf). Minus d_loss estimates
    the distance of the two distributions, up to a factor, as far as the critic is Lipschitz:
    by weight clipping, a gradient penalty or a spectral norm.

    Source: Arjovsky et al. 2017, arXiv 1701.07875, equations 2 and 3; R3.E.
    """
    fake = fake_logits.float().mean()
    return fake - real_logits.float().mean(), -fake


def hinge(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """The margin loss: D stops at outputs beyond +-1, the generator follows D's output.

    d_loss = E max(0, 1 - l(x)) + E max(0, 1 + l(G(z))) in [0, inf), g_loss = -E l(G(z)).

    Source: Lim and Ye 2017, arXiv 1705.02894; Miyato et al. 2018, arXiv 1802.05957, equations
    16 and 17.
    """
    real, fake = real_logits.float(), fake_logits.float()
    return (1 - real).relu().mean() + (1 + fake).relu().mean(), -fake.mean()


def relativistic(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Relativistic pairing: each net wants its image ahead of the other's, pair by pair.

    d_loss = E softplus(l(G(z)) - l(x)), g_loss = E softplus(l(x) - l(G(z))), in [0, inf) nats; at
    equal logits both are log 2. The real images are paired with the generated ones by their place
    in the batch.

    Source: Jolicoeur-Martineau 2018, arXiv 1807.00734, section 4.1; Huang et al. 2024, arXiv
    2501.05441, equation 2.
    """
    ahead = real_logits.float() - fake_logits.float()
    return functional.softplus(-ahead).mean(), functional.softplus(ahead).mean()


def _cross_entropy(logits: Tensor, labels: Labels) -> Tensor:
    """-E [y log D + (1 - y) log(1 - D)], computed on logits so that a far one is no log 0."""
    wide = logits.float()
    # softplus(-l) = -log D and softplus(l) = -log(1 - D); their difference would lose the small.
    terms = labels * functional.softplus(-wide) + (1 - labels) * functional.softplus(wide)
    return terms.mean()
