import errno
from pathlib import Path

import pytest
import torch

from ganablate.sweep.job import failure_of


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "memory"),
        (torch.cuda.OutOfMemoryError("CUDA out of memory."), "memory"),
        (torch.AcceleratorError("CUDA error: out of memory\nSearch for it."), "memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
         "memory"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
         "memory"),
        (torch.AcceleratorError("CUDA error: device-side assert triggered"), "other"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"), "other"),
        (ValueError("STATUS_ALLOC_FAILED"), "other"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk"),
        (OSError("50176 requested and 20352 written"), "disk"),  # numpy, where a disk is full
        (OSError(errno.EROFS, "Read-only file system"), "disk"),
        (PermissionError(errno.EACCES, "Permission denied"), "other"),  # perhaps of one file
        (ValueError("two\nlines"), "other"),
    ],
)  # fmt: skip
def test_kinds(error: BaseException, kind: str, tmp_path: Path) -> None:
    failure = failure_of(raised(error), tmp_path)
    assert failure.kind == kind
    assert "\n" not in failure.message
    assert failure.traceback.startswith("Traceback (most recent call last):")


def test_torch_on_the_cpu_says_it_in_its_own_way(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55, dtype=torch.uint8)
    assert failure_of(caught.value, tmp_path).kind == "memory"


def test_a_full_disk_is_told_with_its_place_and_what_is_free(tmp_path: Path) -> None:
    failure = failure_of(raised(OSError(errno.ENOSPC, "No space left")), tmp_path)
    place = f"{tmp_path} cannot be written: no space is left on its disk ("
    assert failure.message.startswith(place)
    assert failure.message.endswith(" MB free)")
