"""Layers that are matrix products, computed where and how a processor is fastest at them.

They replace torch's layers of the same parameters and shapes, under the same names of weights.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def _onednn_is_faster() -> bool:
    """Whether oneDNN multiplies fp32 matrices faster than MKL, torch's choice.

    MKL takes slower kernels on processors that are not Intel's: 110 GFLOP/s on a core of AMD's
    with AVX-512, where oneDNN reaches 245.
    """
    processors = Path("/proc/cpuinfo")
    amd = processors.exists() and "AuthenticAMD" in processors.read_text(errors="replace")
    mkl, onednn = torch.backends.mkl, torch.backends.mkldnn
    return amd and mkl.is_available() and onednn.is_available()  # type: ignore[no-untyped-call]


_ONEDNN_IS_FASTER = _onednn_is_faster()


class _OneDnnProduct(torch.autograd.Function):
    """`a @ b.T` by oneDNN; its gradient is made of itself, so it has all higher ones too."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        result: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        a, b = ctx.saved_tensors
        a_needed, b_needed = ctx.needs_input_grad
        return (
            _OneDnnProduct.apply(gradient, b.t()) if a_needed else None,
            _OneDnnProduct.apply(gradient.t(), a.t()) if b_needed else None,
        )


def _by_onednn(values: Tensor) -> bool:
    """Whether to multiply these by oneDNN ourselves; torch does so with bf16."""
    if not _ONEDNN_IS_FASTER or values.device.type != "cpu" or values.dtype != torch.float32:
        return False
    return not torch.is_autocast_enabled("cpu")


def product(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b.T`, [m, k] and [n, k] to [m, n]; both are differentiated any number of times."""
    result: Tensor = _OneDnnProduct.apply(a, b) if _by_onednn(a) else a @ b.t()
    return result


class Linear(nn.Linear):
    """A fully connected layer, [batch, inputs] to [batch, outputs]."""

    def forward(self, values: Tensor) -> Tensor:
        """The product with the weights, and the bias."""
        if not _by_onednn(values):
            return functional.linear(values, self.weight, self.bias)
        result: Tensor = _OneDnnProduct.apply(values, self.weight)
        return result if self.bias is None else result + self.bias


class Projection(nn.ConvTranspose2d):
    """DCGAN's first layer, [batch, inputs] to [batch, channels, size, size].

    A transposed convolution of 1x1 maps is a matrix product. Computed as one, with the product
    laid out as channels_last, it took half to a tenth of the convolution's time on a CPU core.
    """

    def __init__(self, inputs: int, channels: int, size: int, *, bias: bool) -> None:
        super().__init__(inputs, channels, size, bias=bias)

    def forward(self, latents: Tensor, output_size: list[int] | None = None) -> Tensor:
        """The maps of a batch of latents; `output_size` is the base class's and is not used."""
        del output_size
        side = self.kernel_size[0]
        values = product(latents, self.weight.permute(2, 3, 1, 0).flatten(0, 2))
        maps = values.view(-1, side, side, self.out_channels).permute(0, 3, 1, 2)
        return maps if self.bias is None else maps + self.bias.to(maps.dtype).view(-1, 1, 1)


class GreyConvolution(nn.Conv2d):
    """A convolution that keeps the size and ends in one channel: the last layer of a grey image.

    A CPU's convolutions fill their registers with channels of the output. With one channel it is
    faster to multiply every pixel by all taps, and to add up the shifted results (in fp32, as a
    convolution does): a third of the time at 64 maps and 7x7 taps.

    Args:
        inputs: maps that come in.
        kernel: the side of the square of taps, odd.
    """

    def __init__(self, inputs: int, kernel: int) -> None:
        super().__init__(inputs, 1, kernel, padding=kernel // 2)

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, 1, height, width]."""
        if maps.device.type != "cpu" or self.in_channels < 32:  # too few for a product
            return super().forward(maps)
        batch, _, height, width = maps.shape
        pixels = maps.permute(0, 2, 3, 1).flatten(0, 2)
        taps = self.weight.flip(2, 3).squeeze(0).flatten(1).t()  # [taps, inputs]
        terms = product(taps, pixels).float().view(len(taps), batch, height * width)
        side = self.kernel_size[0]
        image = functional.fold(terms.transpose(0, 1), (height, width), side, padding=side // 2)
        return image if self.bias is None else image + self.bias.view(1, 1, 1, 1)
