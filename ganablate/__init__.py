"""Ablation studies of GANs: a YAML study, Ray Tune trials, one PyTorch trainer, honest tables.

The functions for notebooks are those of `ganablate.api`, imported when one is first used.
"""

from typing import TYPE_CHECKING

from ganablate.version import __version__ as __version__

__all__ = ["compare", "effects", "load_study", "plan", "results", "run", "table"]

if TYPE_CHECKING:
    from ganablate.api import compare, effects, load_study, plan, results, run, table
else:

    def __getattr__(name: str) -> object:
        """The functions of `ganablate.api`: importing the package alone imports nothing."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import importlib

        return getattr(importlib.import_module("ganablate.api"), name)

    def __dir__() -> list[str]:
        return sorted([*globals(), *__all__])
