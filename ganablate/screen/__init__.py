"""What a person sees while a sweep runs: a live screen, or plain lines without a terminal."""

from ganablate.screen.observers import LineScreen, LiveScreen, Screen, screen_for
from ganablate.screen.overview import Overview, Running
from ganablate.screen.picture import Picture
from ganablate.screen.watch import Watch
from ganablate.span import span

__all__ = [
    "LineScreen",
    "LiveScreen",
    "Overview",
    "Picture",
    "Running",
    "Screen",
    "Watch",
    "screen_for",
    "span",
]
