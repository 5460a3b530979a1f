"""Reading the binary version of CIFAR-10, on files of a few records."""

import numpy as np
import pytest
import torch

from ganablate.metrics.errors import MetricError
from ganablate.metrics.training_images import CIFAR10_BINARY, cifar10


@pytest.fixture
def root(tmp_path):
    """Two records a batch; the label and every pixel tell the batch and the record."""
    folder = tmp_path / CIFAR10_BINARY
    folder.mkdir()
    names = [*(f"data_batch_{index}.bin" for index in range(1, 6)), "test_batch.bin"]
    for batch, name in enumerate(names):
        planes = np.zeros((2, 3, 32, 32), np.uint8)
        planes[:, 1, 4, 7] = 200  # green, row 4, column 7
        planes[1, 2, 0, 0] = batch
        labels = np.array([[batch], [9 - batch]], np.uint8)
        np.concatenate([labels, planes.reshape(2, -1)], axis=1).tofile(folder / name)
    return tmp_path


def test_batches_in_order_and_planes_where_they_belong(root):
    images, labels = cifar10(root, train=True)
    assert images.shape == (10, 3, 32, 32)
    assert images.dtype == torch.uint8
    assert labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert images[:, 2, 0, 0].tolist() == [0, 0, 0, 1, 0, 2, 0, 3, 0, 4]
    assert (images[:, 1, 4, 7] == 200).all()
    assert int(images.sum()) == 10 * 200 + 10


def test_the_test_split_is_its_own_file(root):
    images, labels = cifar10(root, train=False)
    assert labels.tolist() == [5, 4]
    assert images[1, 2, 0, 0] == 5


def test_a_file_that_is_absent_or_cut_short_is_a_clear_error(root):
    path = root / CIFAR10_BINARY / "data_batch_3.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(MetricError, match=r"data_batch_3\.bin has 6145 bytes.*3073"):
        cifar10(root, train=True)
    path.unlink()
    with pytest.raises(MetricError, match=r"data_batch_3\.bin is missing"):
        cifar10(root, train=True)
