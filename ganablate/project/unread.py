"""Settings that every network has and that one of one's own may not look at.

A study that varied one would compare equal nets, so `ganablate list networks --check` names them.
"""

import contextlib
from typing import Any

import torch
from torch import Tensor, nn

from ganablate import catalog
from ganablate.config import TrialConfig
from ganablate.gan.seeding import seed_all
from ganablate.gan.trainer import build_networks
from ganablate.study.arms.resolve import with_defaults

_OF_THE_NETS = (
    "latent_dim", "g_width", "d_width", "g_activation", "d_activation", "g_output", "g_norm",
    "d_norm", "d_dropout", "hidden_layers", "resampling", "ends",
)  # fmt: skip
_SPECTRAL = "spectral"
"""The norm that is no concern of a network's: ganablate lays it on any."""
_CPU = torch.device("cpu")


def unread(network: str) -> list[str]:
    """Of the settings that a network has, those that change neither its weights nor its outputs.

    Each is tried at one other value, at the defaults of all others. One at which the network
    refuses to be built is read.
    """
    part = catalog.NETWORKS[network]
    size = (part.image_sizes or (28,))[0]
    given = {"dataset": "mnist_5k", "image_size": size, "iterations": 1, "network": network}
    config = TrialConfig(**with_defaults({**given, "latent_dim": 8}), seed=0)
    nets = build_networks(config, 1, _CPU)
    seed_all(_CPU, 0)
    inputs = torch.randn(4, config.latent_dim), torch.randn(4, 1, size, size)
    found = []
    for name in _OF_THE_NETS:
        if (value := getattr(config, name)) is None:
            continue
        other = config.model_copy(update={name: _other_value(name, value)})
        with contextlib.suppress(Exception):
            pairs = zip(nets, build_networks(other, 1, _CPU), inputs, strict=True)
            if all(_are_equal(one, another, given) for one, another, given in pairs):
                found.append(f"{name} (but for {_SPECTRAL})" if "norm" in name else name)
    return found


def _other_value(name: str, value: Any) -> Any:
    setting = catalog.SETTINGS[name]
    if setting.choices:
        return next(word for word in setting.choices if word not in (value, _SPECTRAL))
    return 2 * value if setting.whole else 0.25 if value == 0.5 else 0.5


def _are_equal(first: nn.Module, second: nn.Module, inputs: Tensor) -> bool:
    """Whether two nets that were drawn from one seed have the same weights and outputs."""
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (first, second)]
    if shapes[0] != shapes[1]:
        return False
    outputs = []
    for net in (first, second):
        seed_all(_CPU, 0)  # of dropout
        outputs.append(net(inputs))
    return torch.equal(*outputs)
