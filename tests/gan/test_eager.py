"""A worker that compiles nothing imports no compiler, and its optimizers step as torch's do."""

import copy
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from ganablate.catalog import OPTIMIZERS
from ganablate.config import TrialConfig
from ganablate.gan.eager import step_of
from ganablate.gan.update import Update, build_optimizer
from tests.support.trial_config import BASE

CONFIG = TrialConfig(**BASE)


def net() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_is_that_of_torch_to_the_bit(name: str) -> None:
    settings = {f"d_{key}": 0.25 for key in OPTIMIZERS[name].settings}
    config = CONFIG.with_values({"d_optimizer": name, **settings})
    ours, theirs = net(), net()
    optimizers = [build_optimizer(each, config, "d") for each in (ours, theirs)]
    steps = [step_of(optimizers[0]), optimizers[1].step]
    start = copy.deepcopy(ours.state_dict())
    for number in range(4):
        inputs = torch.full((3, 5), 0.1 * (number + 1))
        for each, optimizer, step in zip((ours, theirs), optimizers, steps, strict=True):
            optimizer.zero_grad()
            each(inputs).square().sum().backward()
            step()
    for key, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[key])
        assert not torch.equal(value, start[key])


def test_updates_import_neither_the_compiler_nor_sympy() -> None:
    script = (
        "import sys\n"
        "from tests.gan.test_eager import CONFIG, net\n"
        "from ganablate.gan.update import Update\n"
        "import torch\n"
        "network = net()\n"
        "update = Update(network, CONFIG, 'd')\n"
        "update(network(torch.ones(2, 5)).sum(), 0.0)\n"
        "update.load_state_dict(update.state_dict())\n"
        "print(sorted({'torch._dynamo', 'sympy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "[]\n"


def test_the_optimizer_of_a_plugin_steps_with_all_that_it_is_wrapped_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(OPTIMIZERS, "adam", replace(OPTIMIZERS["adam"], plugin="mine.py"))
    network, seen = net(), []
    update = Update(network, CONFIG, "d")
    update.optimizer.register_step_pre_hook(lambda *_: seen.append(1))
    update(network(torch.ones(2, 5)).sum(), 0.0)
    assert seen == [1]
