"""Tunes settings inside each arm of a study, at an equal budget for every arm.

`proposals` says which values come next, `board` whose turn it is, `records` keeps what was found.
What runs the trials is `ganablate.sweep.search.run`.
"""
