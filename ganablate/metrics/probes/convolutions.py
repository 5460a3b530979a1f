"""What a discriminator's convolutions give out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganablate.metrics.errors import MetricError


def hidden_maps(discriminator: nn.Module, images: Tensor) -> list[Tensor]:
    """The output of every convolution but the one that gives the logit, from first to last.

    It is the convolution's own output, before norm, activation or pooling.

    Args:
        discriminator: in the mode that it shall run in.
        images: [n, channels, height, width] in its pixel range.

    Returns:
        One [n, maps, height, width] for each convolution, float32.

    Raises:
        MetricError: it has no hidden convolution.
    """
    outputs: list[Tensor] = []
    # The caller may be inside a bf16 autocast of its own.
    with (
        _listening(discriminator, outputs),
        torch.inference_mode(),
        torch.autocast(images.device.type, enabled=False),
    ):
        discriminator(images)
    hidden = [maps for maps in outputs if maps[0].numel() > 1]
    if not hidden:
        raise MetricError("the discriminator has no hidden convolution to look at")
    return hidden


@contextmanager
def _listening(discriminator: nn.Module, outputs: list[Tensor]) -> Iterator[None]:
    def keep(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.append(output)

    convolutions = [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]
    handles = [module.register_forward_hook(keep) for module in convolutions]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
