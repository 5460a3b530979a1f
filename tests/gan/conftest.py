"""One thread, and the same random inputs in every run."""

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _fixed_random_inputs():
    torch.manual_seed(0)
