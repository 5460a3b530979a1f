"""A trainer that is no GAN: a variational autoencoder, with the weight of its KL term.

Run it: ganablate run examples/vae.yaml --plugin examples/vae.py
"""

from ganablate.catalog import OwnSetting, Trainer


def vae(config, images, *, device, precision, kl_weight):
    """Convolutions to 7x7 maps and back, Gaussian latents, grey levels as Bernoulli means.

    The loss of an image x is E[-log p(x | z)] + kl_weight KL(q(z | x) || N(0, I)), in nats, with
    one z drawn from q(z | x). New images are the means of p(x | z) for z from N(0, I).

    Source: Kingma and Welling 2014, arXiv 1312.6114; the weight: Higgins et al. 2017, ICLR.
    """
    import torch  # here, so that `plan` need not wait for torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits

    from ganablate.gan.loop import Loop
    from ganablate.gan.update import Update

    width, latent_dim, channels = config.g_width, config.latent_dim, images.shape[3]

    class Vae(Loop):
        def __init__(self):
            keys = ("vae/reconstruction", "vae/kl")
            super().__init__(config, images, device=device, precision=precision, loss_keys=keys)
            self.encoder = nn.Sequential(
                nn.Conv2d(channels, width, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(2 * width * 49, 2 * latent_dim),
            ).to(self.device)
            self.generator = nn.Sequential(
                nn.Linear(latent_dim, 2 * width * 49),
                nn.Unflatten(1, (2 * width, 7, 7)),
                nn.ReLU(),
                nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
                nn.Sigmoid(),
            ).to(self.device)
            both = nn.ModuleList([self.encoder, self.generator])
            self.update = Update(both, config, "g")

        @property
        def parts(self):
            return {
                "generator": self.generator,
                "encoder": self.encoder,
                "optimizer": self.update,
            }

        def iterate(self, iteration):
            real = self.streams.real(iteration)
            noise = self.streams.latents(len(real), "noise", iteration)
            with self.autocast():
                mean, log_variance = self.encoder(real).float().chunk(2, dim=1)
                latents = mean + (log_variance / 2).exp() * noise
                logits = self.generator[:-1](latents).float()
            nats = binary_cross_entropy_with_logits(logits, real, reduction="sum") / len(real)
            kl = (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2 / len(real)
            self.update(nats + kl_weight * kl, self.progress)
            return torch.stack([nats, kl]).detach()

    return Vae()


TRAINERS = {
    "vae": Trainer(
        implementation="vae",
        summary="variational autoencoder",
        source="Kingma and Welling 2014, arXiv 1312.6114",
        # Of the built-in settings it uses these; g_ is its decoder, and the optimizer is of all.
        settings={"latent_dim": 16, "g_width": 32, "g_optimizer": "adam", "g_lr": 1e-3},
        losses=("vae/reconstruction", "vae/kl"),
        image_sizes=(28,),
        declares={"kl_weight": OwnSetting("of the KL term of the loss", 1.0, minimum=0.0)},
    )
}
