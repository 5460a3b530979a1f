"""One step of one net: gradients, their clipping, the schedule, the optimizer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganablate.catalog import OPTIMIZERS, function_of
from ganablate.config import TrialConfig
from ganablate.gan.eager import import_no_compiler, step_of


class Update:
    """Updates the parameters of one net, and no other's.

    Args:
        network: On its device already.
        config: The trial.
        prefix: "g" or "d".
    """

    def __init__(self, network: nn.Module, config: TrialConfig, prefix: str) -> None:
        self.parameters: list[Tensor] = list(network.parameters())
        self.optimizer = build_optimizer(network, config, prefix)
        is_own = OPTIMIZERS[getattr(config, f"{prefix}_optimizer")].plugin is None
        self._step = step_of(self.optimizer) if is_own else self.optimizer.step
        self._lr: float = getattr(config, f"{prefix}_lr")
        self._schedule: Callable[[float], float] | None = (
            function_of("lr_schedule", config) if config.lr_schedule else None
        )
        self._grad_clip: float | None = getattr(config, f"{prefix}_grad_clip")
        self._weight_clip = config.d_weight_clip if prefix == "d" else None

    def __call__(self, loss: Tensor, progress: float) -> None:
        """Follow the gradient of `loss`; `progress` is the share of iterations done."""
        self.optimizer.zero_grad()
        # `inputs` keeps autograd from computing the gradients of the other net's parameters.
        loss.backward(inputs=self.parameters)  # type: ignore[no-untyped-call]
        if self._grad_clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self._grad_clip)
        if self._schedule is not None:
            for group in self.optimizer.param_groups:
                group["lr"] = self._lr * self._schedule(progress)
        self._step()
        if self._weight_clip is not None:
            with torch.no_grad():
                torch._foreach_clamp_min_(self.parameters, -self._weight_clip)
                torch._foreach_clamp_max_(self.parameters, self._weight_clip)

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state; nothing else here has one."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        self.optimizer.load_state_dict(state)


def build_optimizer(network: nn.Module, config: TrialConfig, prefix: str) -> torch.optim.Optimizer:
    """The optimizer of one network; `prefix` is "g" or "d"."""
    import_no_compiler()
    named = f"{prefix}_optimizer"
    names = ("lr", *OPTIMIZERS[getattr(config, named)].settings)
    settings = {name: getattr(config, f"{prefix}_{name}") for name in names}
    make = function_of(named, config)
    return make(network.parameters(), **settings)  # type: ignore[no-any-return]
