"""Checks of an installation and of the folder it is used in; each is one function and one line."""

from ganablate.doctor.finding import Finding, Place
from ganablate.doctor.table import CHECKS, examine

__all__ = ["CHECKS", "Finding", "Place", "examine"]
