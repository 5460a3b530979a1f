import os
import time

import pytest

from ganablate.sweep import ray_session
from ganablate.sweep.machine import Machine, MachineError
from ganablate.sweep.ray_session import Interruption, temporary_folder


def test_a_folder_in_use_stays_and_one_that_was_left_goes() -> None:
    with temporary_folder() as left:
        pass
    assert not left.exists()
    left.mkdir()
    (left / "late").touch()
    with temporary_folder() as first:
        assert left.exists()  # just made: perhaps its driver has not locked it yet
        os.utime(left, (time.time() - 100, time.time() - 100))
        with temporary_folder() as second:
            assert not left.exists()
            assert first.exists()
            assert second.exists()
            assert len(str(second)) < 40  # Ray's sockets: at most 107 characters


def test_ray_that_does_not_start_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(**settings: object) -> None:
        raise Exception("The current node timed out during startup.\nThis could happen because")

    monkeypatch.setattr(ray_session.ray, "init", late)
    monkeypatch.setattr(ray_session, "_check_private", lambda: None)
    machine = Machine(device="cpu", precision="fp32", slots=1, threads=1)
    with (
        pytest.raises(MachineError, match=r"too busy.*timed out during startup\.\)$") as found,
        ray_session.ray_session(machine, Interruption()),
    ):
        pass
    assert "\n" not in str(found.value)
