"""What the discriminator's last feature maps show."""

import numpy as np
from torch import nn

from ganablate.metrics.features import Images
from ganablate.metrics.probes.convolutions import hidden_maps
from ganablate.metrics.probes.picture import as_grey, beside, tiled
from ganablate.metrics.probes.subject import Finding, Subject

IMAGES = 10
MAPS = 6


def filters(subject: Subject) -> Finding:
    """The first 6 maps of D's last hidden convolution for 10 real images, trained and untrained.

    "Maps" are the convolution's own output in evaluation mode; for the untrained net batch norm
    then changes nothing. Each map is stretched from its lowest value (black) to its highest
    (white), so brightness compares places within a map, not maps.

    Returns:
        The picture `maps`: a row an image, at its left the image, then the trained maps, then the
        untrained ones.

    Source: R2.3.
    """
    chosen = subject.random("filters").permutation(len(subject.train.images))[:IMAGES]
    images = np.asarray(subject.train.images[np.sort(chosen)])
    nets = (subject.discriminator, subject.untrained_discriminator)
    columns = [tiled(images[:, np.newaxis]), *(_maps(subject, net, images) for net in nets)]
    return Finding(pictures={"maps": beside(columns)})


def _maps(subject: Subject, discriminator: nn.Module, images: Images) -> Images:
    maps = hidden_maps(discriminator, subject.scale(images))[-1][:, :MAPS]
    return tiled(as_grey(maps.float().cpu().numpy(), images.shape[1]))
