"""Sweeps: the only place that imports ray."""

import os

# Ray reads this once, when it is imported. With it on, as is Ray's default on Linux, its servers
# listen on every interface of the machine; here nothing but 127.0.0.1 has a use for them.
os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
