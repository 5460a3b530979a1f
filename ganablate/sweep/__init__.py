"""Sweeps: the only place that imports ray."""

import logging
import os
import warnings

# Ray reads these once, when it is imported.
_SETTINGS = {
    # With it on, as is Ray's default on Linux, its servers listen on every interface of the
    # machine; here nothing but 127.0.0.1 has a use for them.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Under `uv run` Ray would send the whole project to its workers and build it there anew.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # Ray prints a paragraph to the terminal for each worker and each node that dies; the observer
    # says it in a line.
    "RAY_DEDUP_LOGS_SKIP_REGEX": "worker died|marked dead",
}
for _name, _value in _SETTINGS.items():
    os.environ.setdefault(_name, _value)

# A notebook without ipywidgets lacks nothing here: its lines are printed.
logging.getLogger("ray.widgets").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", message="IProgress not found")
