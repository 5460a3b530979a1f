"""Two GAN training loops as they are commonly written, to be measured against.

Both read `mnist_5k` image by image through torchvision transforms and a DataLoader, in fp32, with
two backward passes for D, a second pass of D over the fakes for G, gradients that also reach the
net that is not updated, and losses fetched as Python numbers at every step. They follow the
examples' choices (networks, sizes, learning rates), not their text: `dcgan_loop` is in the manner
of pytorch/examples' dcgan, `mlp_loop` of eriklindernoren/PyTorch-GAN's gan.py.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

REAL, FAKE = 1.0, 0.0


class Digits(Dataset[Tensor]):
    """Grey images as PIL images through the usual transforms, one at a time, range -1 to 1."""

    def __init__(self, images: np.ndarray, size: int) -> None:
        self.images = images[..., 0]
        steps = [transforms.Resize(size)] if images.shape[1] != size else []
        self.transform = transforms.Compose(
            [*steps, transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.transform(Image.fromarray(self.images[index]))


def batches(images: np.ndarray, size: int, batch_size: int, workers: int) -> Iterator[Tensor]:
    loader = DataLoader(
        Digits(images, size), batch_size, shuffle=True, num_workers=workers, drop_last=True
    )
    while True:
        yield from loader


def dcgan_networks(
    width: int, latent_dim: int, size: int, *, deviation: float | None = 0.02
) -> tuple[nn.Module, nn.Module]:
    """DCGAN for grey images of 28 or 64 pixels; 64 pixels are the example's own networks.

    The first weights are drawn with this standard deviation; None leaves torch's own.
    """
    start = 7 if size == 28 else 4
    doublings = {28: 2, 64: 4}[size]
    widths = [width * 2**step for step in reversed(range(doublings))]
    up: list[nn.Module] = [
        nn.ConvTranspose2d(latent_dim, widths[0], start, 1, 0, bias=False),
        nn.BatchNorm2d(widths[0]),
        nn.ReLU(True),
    ]
    for inputs, outputs in itertools.pairwise(widths):
        up += [
            nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(True),
        ]
    up += [nn.ConvTranspose2d(widths[-1], 1, 4, 2, 1, bias=False), nn.Tanh()]
    down: list[nn.Module] = [nn.Conv2d(1, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
    for inputs, outputs in itertools.pairwise(reversed(widths)):
        down += [
            nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.2, True),
        ]
    down += [nn.Conv2d(widths[0], 1, start, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten(0)]
    generator, discriminator = nn.Sequential(*up), nn.Sequential(*down)
    for module in (*generator.modules(), *discriminator.modules()) if deviation else ():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, deviation)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, deviation)
    return generator, discriminator


def mlp_networks(latent_dim: int, size: int) -> tuple[nn.Module, nn.Module]:
    """The three hidden layers of our `mlp` at width 1024, without dropout."""
    pixels = size * size
    generator = nn.Sequential(
        nn.Linear(latent_dim, 256), nn.LeakyReLU(0.2, True),
        nn.Linear(256, 512), nn.LeakyReLU(0.2, True),
        nn.Linear(512, 1024), nn.LeakyReLU(0.2, True),
        nn.Linear(1024, pixels), nn.Tanh(), nn.Unflatten(1, (1, size, size)),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, 1024), nn.LeakyReLU(0.2, True),
        nn.Linear(1024, 512), nn.LeakyReLU(0.2, True),
        nn.Linear(512, 256), nn.LeakyReLU(0.2, True),
        nn.Linear(256, 1), nn.Sigmoid(), nn.Flatten(0),
    )  # fmt: skip
    return generator, discriminator


def dcgan_loop(
    networks: tuple[nn.Module, nn.Module],
    real_images: Iterator[Tensor],
    latent_dim: int,
    lr: float = 2e-4,
) -> Iterator[tuple[float, ...]]:
    """One iteration a turn: D on the real images, D on the fakes, then G; yields what it prints."""
    generator, discriminator = networks
    criterion = nn.BCELoss()
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    for real in real_images:
        discriminator.zero_grad()
        label = torch.full((len(real),), REAL, device=real.device)
        output = discriminator(real)
        d_loss_real = criterion(output, label)
        d_loss_real.backward()
        real_mean = output.mean().item()

        fake = generator(torch.randn(len(real), latent_dim, 1, 1, device=real.device))
        label.fill_(FAKE)
        output = discriminator(fake.detach())
        d_loss_fake = criterion(output, label)
        d_loss_fake.backward()
        fake_mean = output.mean().item()
        d_optimizer.step()

        generator.zero_grad()
        label.fill_(REAL)
        g_loss = criterion(discriminator(fake), label)
        g_loss.backward()
        g_optimizer.step()
        yield (d_loss_real + d_loss_fake).item(), g_loss.item(), real_mean, fake_mean


def mlp_loop(
    networks: tuple[nn.Module, nn.Module], real_images: Iterator[Tensor], latent_dim: int
) -> Iterator[tuple[float, ...]]:
    """One iteration a turn: G first, then D on the mean of its two losses."""
    generator, discriminator = networks
    criterion = nn.BCELoss()
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for real in real_images:
        ones = torch.ones(len(real), device=real.device)
        zeros = torch.zeros_like(ones)
        g_optimizer.zero_grad()
        latents = torch.from_numpy(np.random.normal(0, 1, (len(real), latent_dim))).float()  # noqa: NPY002
        fake = generator(latents.to(real.device))
        g_loss = criterion(discriminator(fake), ones)
        g_loss.backward()
        g_optimizer.step()

        d_optimizer.zero_grad()
        real_loss = criterion(discriminator(real), ones)
        fake_loss = criterion(discriminator(fake.detach()), zeros)
        d_loss = (real_loss + fake_loss) / 2
        d_loss.backward()
        d_optimizer.step()
        yield d_loss.item(), g_loss.item()


def digits(cache: Path) -> np.ndarray:
    """The embedded MNIST digits, uint8 [5000, 28, 28, 1]."""
    from ganablate.gan.data import materialise

    return materialise("mnist_5k", 28, data_root=None, cache=cache).images
