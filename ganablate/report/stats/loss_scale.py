"""Which arms' losses are numbers on one scale."""

from ganablate.config import TrialConfig


def loss_scale(config: TrialConfig) -> str:
    """A name for the scale of the losses: equal where losses can be set beside each other.

    It is the criterion; and for a critic with clipped weights the clip, which bounds its outputs.
    """
    clip = config.d_weight_clip
    return config.criterion if clip is None else f"{config.criterion} (clip {clip:g})"
