"""Ctrl-C and SIGTERM: noted at once, acted upon between two steps of the driver."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class SweepInterruptedError(BaseException):
    """Leaves Tune's loop. Not an `Exception`: Tune would first wait for its workers."""


class Interruption:
    """Remembers that someone asked the sweep to stop.

    The first signal asks; a second one raises KeyboardInterrupt where the driver stands. Outside
    the main thread, where Python allows no handlers, only `request` stops a sweep.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether the sweep is to stop."""
        return self._requested.is_set()

    def request(self) -> None:
        """Ask the sweep to stop."""
        self._requested.set()

    def raise_if_requested(self) -> None:
        """Raise `SweepInterruptedError` once the sweep is to stop."""
        if self.requested:
            raise SweepInterruptedError

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals until the end of the block, then as before it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        self.listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def listen(self) -> None:
        """Install the handlers; again after `ray.init`, which installs its own."""
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.requested:
            raise KeyboardInterrupt
        self.request()
