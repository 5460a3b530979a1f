"""The one error of this package that a person can act on."""


class MetricError(ValueError):
    """A metric cannot be measured on this input; the message says why, in one line."""
