"""A criterion of one's own: the relativistic GAN, which compares real and generated images.

Run it: ganablate run examples/relativistic.yaml --plugin examples/relativistic.py
"""

from ganablate.catalog import Criterion


def relativistic(real_logits, fake_logits):
    """D judges which of a real and a generated image is the real one (RSGAN).

    d_loss = -E log sigmoid(l(x) - l(G(z))), g_loss = -E log sigmoid(l(G(z)) - l(x)), pair by pair,
    both in [0, inf) nats; where D cannot tell they are log 2.

    Source: Jolicoeur-Martineau 2018, arXiv 1807.00734.
    """
    from torch.nn.functional import softplus  # here, so that `plan` need not wait for torch

    difference = real_logits.float() - fake_logits.float()
    return softplus(-difference).mean(), softplus(difference).mean()


CRITERIA = {
    "relativistic": Criterion(
        implementation="relativistic",
        summary="D compares pairs of a real and a generated image (RSGAN)",
        source="Jolicoeur-Martineau 2018, arXiv 1807.00734",
        threshold=0.0,
        decides=False,  # only differences count: D says of no single image that it is real
    )
}
