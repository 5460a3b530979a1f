"""Penalties added to the discriminator's loss, without their weight."""

import torch
from torch import Tensor, nn


def r1(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Half the squared gradient of the logit at the real images: 1/2 E |grad l(x)|^2.

    The weight that multiplies it is the paper's gamma. With batch norm in the discriminator the
    images of a batch depend on each other, and the gradient is that of the batch's summed logits.

    Args:
        discriminator: [batch, channels, height, width] -> logits [batch].
        real: images [batch, channels, height, width], in the trial's pixel range.
        fake: not used; penalties share one signature.

    Returns:
        0-d float32, at least 0, differentiable in the discriminator's parameters.

    Source: Mescheder et al. 2018, arXiv 1801.04406, equation 9.
    """
    del fake
    images = real.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return 0.5 * gradient.float().square().flatten(1).sum(1).mean()
