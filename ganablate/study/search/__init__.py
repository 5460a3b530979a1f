"""Tunes settings inside each arm of a study, at an equal budget for every arm."""
