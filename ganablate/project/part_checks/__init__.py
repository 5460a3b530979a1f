"""Tries a part out as trials use it: what `ganablate list --check` does.

The parts that train are put into a real trainer on 64 random images, straight through and
interrupted, since that both end alike is what everything else here rests on.
"""

from ganablate.project.part_checks.check import broken

__all__ = ["broken"]
