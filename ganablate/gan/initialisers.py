"""Initial weights: each parameter is drawn on its own, from a seed that names it.

An initialiser is `f(module, parameter_name, parameter, generator) -> None`: it fills one CPU
parameter of `module` in place; `parameter_name` is the name inside the module ("weight", "bias").
Those here know linear layers, convolutions and norms of any kind. In every scheme a norm starts
with bias 0 and, but for `normal_0.02`, with weight 1.
"""

import functools
import math
from collections.abc import Mapping

# Not `import torch`: one initialiser bears that name, as studies write it.
from torch import Generator, Tensor, empty, nn, no_grad

from ganablate.catalog import INITIALISERS
from ganablate.catalog.parts import OwnValue
from ganablate.config import derive_seed

_LAYERS = (nn.Linear, nn.modules.conv._ConvNd)
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


def initialise(
    network: nn.Module, init: str, seed: int, net: str, own: Mapping[str, OwnValue] | None = None
) -> None:
    """Draw all parameters of a network anew; buffers stay as they are.

    A parameter's numbers depend on (seed, net, its name, its shape) and nothing else, so that a
    layer added, dropped or renumbered elsewhere, the device and the memory layout change none.

    Args:
        network: any device, any memory format.
        init: a key of `catalog.INITIALISERS`.
        seed: the trial's seed, shared by the arms of a study.
        net: a word for the network, to keep the two apart.
        own: values of the settings that the initialiser declares; None: it declares none.

    Raises:
        ValueError: a built-in initialiser has no rule for a parameter.
    """
    line = INITIALISERS[init]
    fill = functools.partial(line.load(), **(own or {}))
    for name, parameter in network.named_parameters():
        owner, _, local_name = name.rpartition(".")
        module = network.get_submodule(owner)
        if line.plugin is None and not _has_rule(module, local_name):
            raise ValueError(
                f"init {init} has no rule for {name}, of a {type(module).__name__}; "
                "use an initialiser of your own"
            )
        drawn = empty(parameter.shape, dtype=parameter.dtype)
        generator = Generator().manual_seed(derive_seed(seed, "weights", net, name))
        fill(module, local_name, drawn, generator)
        with no_grad():
            parameter.copy_(drawn)


def torch(module: nn.Module, parameter_name: str, parameter: Tensor, generator: Generator) -> None:
    """Torch's default: weights and biases uniform in +-1/sqrt(fan_in).

    That is what `kaiming_uniform_(a=sqrt(5))` comes to. As in torch, a transposed convolution's
    fan_in is counted over its *output* channels. Norms: weight 1, bias 0.

    Source: torch.nn.Linear.reset_parameters, torch.nn.modules.conv._ConvNd.reset_parameters.
    """
    if _is_norm(module):
        parameter.fill_(1.0 if parameter_name == "weight" else 0.0)
        return
    fan_in, _ = _fans(module)
    bound = 1 / math.sqrt(fan_in)
    parameter.uniform_(-bound, bound, generator=generator)


def normal_0_02(
    module: nn.Module, parameter_name: str, parameter: Tensor, generator: Generator
) -> None:
    """Weights N(0, 0.02), biases 0; a norm's weight N(1, 0.02), bias 0. 0.02 is the deviation.

    Source: Radford et al. 2016, arXiv 1511.06434, section 4; batch norm as in the authors' code,
    and other norms as batch norm.
    """
    if parameter_name == "weight":
        parameter.normal_(1.0 if _is_norm(module) else 0.0, 0.02, generator=generator)
    else:
        parameter.zero_()


def glorot_uniform(
    module: nn.Module, parameter_name: str, parameter: Tensor, generator: Generator
) -> None:
    """Weights uniform in +-sqrt(6 / (fan_in + fan_out)), biases 0; a norm's weight 1, bias 0.

    A fan counts channels times kernel area; the sum is the same for a transposed convolution,
    whichever side is called in, so this is Keras' bound for Conv2DTranspose too.

    Source: Glorot and Bengio 2010, equation 16; Keras' default, hence R0's.
    """
    if parameter_name != "weight":
        parameter.zero_()
    elif _is_norm(module):
        parameter.fill_(1.0)
    else:
        bound = math.sqrt(6 / sum(_fans(module)))
        parameter.uniform_(-bound, bound, generator=generator)


def _has_rule(module: nn.Module, parameter_name: str) -> bool:
    return isinstance(module, _LAYERS + _NORMS) and parameter_name in ("weight", "bias")


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, _NORMS)


def _fans(module: nn.Module) -> tuple[int, int]:
    """(fan_in, fan_out) of the layer that the weight, or the bias beside it, belongs to."""
    weight = module.weight
    assert isinstance(weight, Tensor)
    area = math.prod(weight.shape[2:])
    return weight.shape[1] * area, weight.shape[0] * area
