"""A network of one's own with settings of its own: how many blocks, and with attention or not.

Run it: ganablate run examples/residual.yaml --plugin examples/residual.py
"""

from ganablate.catalog import NETWORKS as BUILT_IN
from ganablate.catalog import Network, OwnSetting


def residual(config, channels, *, blocks, attention):
    """G: a linear layer to 7x7 maps, residual blocks, two doublings; D: its mirror image.

    G maps [batch, latent_dim] to [batch, channels, 28, 28], D that to logits [batch]. With
    attention, one layer of self-attention over the 49 places follows G's blocks.

    Source: He et al. 2016, arXiv 1512.03385; Zhang et al. 2019, arXiv 1805.08318.
    """
    from torch import nn  # here, so that `plan` need not wait for torch

    class Block(nn.Module):
        def __init__(self, width, activation):
            super().__init__()
            self.layers = nn.Sequential(
                activation,
                nn.Conv2d(width, width, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(width, width, 3, padding=1),
            )

        def forward(self, maps):
            return maps + self.layers(maps)

    class Attention(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

        def forward(self, maps):
            places = maps.flatten(2).transpose(1, 2)  # [batch, 49, width]
            scores = self.query(places) @ self.key(places).transpose(1, 2) / maps.shape[1] ** 0.5
            attended = scores.softmax(2) @ self.value(places)
            return maps + attended.transpose(1, 2).reshape(maps.shape)

    g, d = config.g_width, config.d_width
    generator = nn.Sequential(
        nn.Linear(config.latent_dim, g * 49),
        nn.Unflatten(1, (g, 7, 7)),
        *(Block(g, nn.ReLU()) for _ in range(blocks)),
        *([Attention(g)] if attention else []),
        nn.ReLU(),
        nn.ConvTranspose2d(g, g, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(g, channels, 4, stride=2, padding=1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(channels, d, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(d, d, 4, stride=2, padding=1),
        *(Block(d, nn.LeakyReLU(0.2)) for _ in range(blocks)),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(d * 49, 1),
        nn.Flatten(0),
    )
    return generator, discriminator


# Of the built-in settings the network reads its widths alone, and its images lie in [-1, 1].
DEFAULTS = BUILT_IN["conv28"].defaults
NETWORKS = {
    "residual": Network(
        implementation="residual",
        summary="residual blocks at 7x7, attention behind them if wanted",
        source="own, after He et al. 2016, arXiv 1512.03385",
        image_sizes=(28,),
        defaults={**DEFAULTS, "g_width": 32, "d_width": 32, "pixel_range": "signed"},
        declares={
            "blocks": OwnSetting("residual blocks of each net", 1, minimum=0, maximum=8),
            "attention": OwnSetting("self-attention behind G's blocks", True),
        },
    )
}
