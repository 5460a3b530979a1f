"""Checks of an installation and of the folder it is used in; each is one function and one line."""

from ganablate.project.doctor.finding import Finding, Place
from ganablate.project.doctor.table import CHECKS, examine

__all__ = ["CHECKS", "Finding", "Place", "examine"]
