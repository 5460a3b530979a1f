"""Tunes settings inside each arm of a study, at an equal budget for every arm.

`plan_search` makes the searches of a plan, `rounds` says what is tried next, `records` keeps what
was found. What runs the trials is `ganablate.sweep.search`.
"""
