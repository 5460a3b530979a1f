"""What a person sees while a sweep runs: a live screen, or plain lines without a terminal."""

from ganablate.sweep.screen.observers import LineScreen, LiveScreen, Screen, screen_for
from ganablate.sweep.screen.overview import Overview, Picture, Running
from ganablate.sweep.screen.watch import Watch

__all__ = [
    "LineScreen",
    "LiveScreen",
    "Overview",
    "Picture",
    "Running",
    "Screen",
    "Watch",
    "screen_for",
]
