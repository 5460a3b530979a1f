"""How far the training of an arm at a budget reaches towards the one that `full` gives it.

A report's statement is about its own training. What a training of a sixtieth of its updates shows
is about that small training, so that every verdict needs to know the share.
"""

from dataclasses import asdict, dataclass

from ganablate.config import TrialConfig


@dataclass(frozen=True, slots=True)
class Reach:
    """Shares of what the arm has at the budget `full`, from above 0 to 1; more than that is 1.

    `updates` are steps of the generator. `images` are those that the discriminator sees, however
    often; `distinct_images` count each once, so that a long training on few images does not stand
    for one on many. `widths` is the lesser share of the two nets.
    """

    updates: float = 1.0
    images: float = 1.0
    distinct_images: float = 1.0
    widths: float = 1.0

    @property
    def least(self) -> float:
        """The least of the shares, which is what a verdict goes by."""
        return min(self.updates, self.images, self.distinct_images, self.widths)

    @property
    def least_of(self) -> str:
        """Which share is the least, the first of equal ones."""
        shares = asdict(self)
        return min(shares, key=lambda name: shares[name])


def reach_of(here: TrialConfig, images_here: int, full: TrialConfig, images_full: int) -> Reach:
    """The reach of an arm: its settings here and at `full`, with the images of each data set."""
    size, whole = _size(here, images_here), _size(full, images_full)
    shares = [min(1.0, part / all_) for part, all_ in zip(size, whole, strict=True)]
    updates, images, distinct, g_width, d_width = shares
    return Reach(updates, images, distinct, min(g_width, d_width))


def _size(config: TrialConfig, images: int) -> tuple[int, int, int, int, int]:
    """Generator updates, images seen, distinct ones, and the two widths, each 1 or more."""
    iterations = config.total_iterations(images)
    seen = iterations * config.images_per_iteration
    distinct = min(seen, images, config.train_images or images)
    # A trainer that is no GAN has no steps of G, and may have no widths.
    updates, widths = iterations * (config.g_steps or 1), (config.g_width or 1, config.d_width or 1)
    return updates, seen, distinct, *widths
