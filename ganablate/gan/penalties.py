"""Penalties added to the discriminator's loss, without their weight.

A penalty is `f(discriminator, real, fake) -> 0-d float32`, at least 0, differentiable in the
discriminator's parameters. The discriminator maps [batch, channels, height, width] to logits
[batch]; both sets of images have that shape, in the trial's pixel range, and are cut off from the
generator. Noise comes from torch's global generator, which the trainer seeds at every step.

With batch norm in the discriminator the images of a batch depend on each other, and every gradient
below is that of the batch's summed logits.
"""

import torch
from torch import Tensor, nn


def r1(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Half the squared gradient of the logit l at the real images: 1/2 E |grad l(x)|^2.

    The weight that multiplies it is the paper's gamma.

    Source: Mescheder et al. 2018, arXiv 1801.04406, equation 9.
    """
    del fake
    return 0.5 * _squared_norms(discriminator, real).mean()


def r2(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Half the squared gradient of the logit l at the generated images: 1/2 E |grad l(G(z))|^2.

    Source: Mescheder et al. 2018, arXiv 1801.04406, equation 10.
    """
    del real
    return 0.5 * _squared_norms(discriminator, fake).mean()


def wgan_gp(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """E (|grad l(u)| - 1)^2 at points u between real and generated images.

    u = e x + (1 - e) G(z), with e uniform in [0, 1), one for each pair.

    Source: Gulrajani et al. 2017, arXiv 1704.00028, equation 3; R3.F.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    return _unit_norm(discriminator, share * real + (1 - share) * fake)


def dragan(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """E (|grad l(x + n)| - 1)^2 around the real images, n Gaussian: the published algorithm.

    The paper draws n from N(0, c I) with c about 10 and does not say in which unit; here n has
    half the standard deviation of the batch's pixels, the scale of the authors' code.

    Source: Kodali et al. 2017, arXiv 1705.07215, algorithm 1; R1.
    """
    del fake
    return _unit_norm(discriminator, real + 0.5 * real.std() * torch.randn_like(real))


def dragan_one_sided(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """E (|grad l(x + e n)| - 1)^2 with noise that only brightens: the authors' code.

    n is uniform in [0, s/2), s the standard deviation of the batch's pixels, and e uniform in
    [0, 1), one for each image.

    Source: the code beside Kodali et al. 2017, arXiv 1705.07215, in words; R1.
    """
    del fake
    noise = 0.5 * real.std() * torch.rand_like(real)
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    return _unit_norm(discriminator, real + share * noise)


def _unit_norm(discriminator: nn.Module, images: Tensor) -> Tensor:
    """E (|grad l| - 1)^2. The tiny number keeps the root differentiable at a zero gradient."""
    return ((_squared_norms(discriminator, images) + 1e-12).sqrt() - 1).square().mean()


def _squared_norms(discriminator: nn.Module, images: Tensor) -> Tensor:
    """|grad l|^2 at each image, float32 [batch]."""
    points = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(points).sum(), points, create_graph=True)
    return gradient.float().square().flatten(1).sum(1)
