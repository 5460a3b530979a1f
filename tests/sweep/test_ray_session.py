import os
import time

from ganablate.sweep.ray_session import temporary_folder


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
