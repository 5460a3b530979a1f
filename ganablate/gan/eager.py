"""Keeps torch's compiler out of a process that compiles nothing.

torch's optimizers import the compiler, `torch._dynamo` with sympy, for nothing but to tell it that
it should leave them alone: 79 MiB of each worker, and a second and a half of its start.
"""

import functools
import inspect
from collections.abc import Callable

import torch
from torch import optim

_LEFT_ALONE = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
_MARK = "__dynamo_disable"
"""Where `torch._compile` keeps a method as the compiler has wrapped it: here it is as it was."""


def import_no_compiler() -> None:
    """Let torch's optimizers be built and stored without the compiler."""
    for name in _LEFT_ALONE:
        method = inspect.unwrap(getattr(optim.Optimizer, name))
        if not hasattr(method, _MARK):
            setattr(method, _MARK, method)


def step_of(optimizer: optim.Optimizer) -> Callable[[], object]:
    """What `step` of an optimizer of torch's computes, without what it is wrapped in.

    That is the compiler, hooks and the profiler.
    """
    step = inspect.unwrap(type(optimizer).step)
    return functools.partial(torch.no_grad()(step), optimizer)
