"""The two losses of a GAN, from logits.

A criterion is `f(real_logits, fake_logits) -> (d_loss, g_loss)`. Logits are [batch], of any
floating type; both losses are 0-d float32, because half precision loses what matters once a net
is winning. The discriminator step differentiates the first, the generator step the second.
Everywhere below D(x) = sigmoid(logit), E is the mean over the batch, and the discriminator's loss
is the *sum* of its real and its fake part (some code bases report half of that). No criterion
here lets the generator's loss depend on the real logits.
"""

from torch import Tensor
from torch.nn import functional


def bce(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy with the non-saturating generator loss.

    d_loss = -E log D(x) - E log(1 - D(G(z))), g_loss = -E log D(G(z)).
    Both lie in [0, inf) nats; at logits 0 they are 2 log 2 and log 2.

    Source: Goodfellow et al. 2014, arXiv 1406.2661, equation 1 and the end of section 3; R0.
    """
    # softplus(-l) = -log sigmoid(l), without the rounding to log 0 of a far logit.
    d_loss = functional.softplus(-real_logits.float()).mean() + _fake_part(fake_logits)
    return d_loss, functional.softplus(-fake_logits.float()).mean()


def minimax(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """The zero-sum game: the generator minimises what the discriminator maximises.

    d_loss = -E log D(x) - E log(1 - D(G(z))), g_loss = E log(1 - D(G(z))).
    g_loss lies in (-inf, 0]; its gradient vanishes where D rejects the images (D(G(z)) near 0).

    Source: Goodfellow et al. 2014, arXiv 1406.2661, equation 1.
    """
    d_loss = functional.softplus(-real_logits.float()).mean() + _fake_part(fake_logits)
    return d_loss, -_fake_part(fake_logits)


def mse(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared error of the probabilities D to the labels 1 and 0.

    d_loss = E (D(x) - 1)^2 + E D(G(z))^2 in [0, 2], g_loss = E (D(G(z)) - 1)^2 in [0, 1].
    The sigmoid makes the gradient vanish on both sides, unlike `least_squares`.

    Source: R0, section 4.2 (R0.4); without a factor, as Keras' "mse".
    """
    real, fake = real_logits.float().sigmoid(), fake_logits.float().sigmoid()
    return (real - 1).square().mean() + fake.square().mean(), (fake - 1).square().mean()


def least_squares(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
    """LSGAN: squared distance of the raw output l to the labels, with a = 0, b = c = 1.

    d_loss = 1/2 E (l(x) - 1)^2 + 1/2 E l(G(z))^2, g_loss = 1/2 E (l(G(z)) - 1)^2, in [0, inf).
    The halves are the paper's; they matter to SGD and to a penalty's weight, not to Adam.

    Source: Mao et al. 2017, arXiv 1611.04076, equation 9.
    """
    real, fake = real_logits.float(), fake_logits.float()
    d_loss = 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()
    return d_loss, 0.5 * (fake - 1).square().mean()


def _fake_part(fake_logits: Tensor) -> Tensor:
    """-E log(1 - D(G(z))), the discriminator's cross-entropy on generated images."""
    return functional.softplus(fake_logits.float()).mean()
