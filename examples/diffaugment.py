"""A trainer built on ganablate's own: D sees every image through differentiable augmentations.

Run it: ganablate run examples/diffaugment.yaml --plugin examples/diffaugment.py
"""

from ganablate.catalog import OwnSetting, Trainer


def diffaugment(config, images, *, device, precision, **parts):
    """The built-in trainer with D(T(x)) and D(T(G(z))), in the steps of D and of G alike.

    T draws anew for each image: a translation of up to an eighth of the side, with zeros outside; a
    square of zeros of half the side; and brightness and contrast (the paper's colour, whose third
    part, the saturation, grey images do not have).

    Source: Zhao et al. 2020, arXiv 2006.10738, equations 3 to 5; appendix A of its code.
    """
    import torch  # here, so that `plan` need not wait for torch
    from torch.nn.functional import pad

    from ganablate.gan.trainer import Trainer as Gan

    def whole(n, most, like):
        return torch.randint(most, (n, 1), device=like.device)

    def translated(batch):
        n, _, height, width = batch.shape
        down, right = round(height / 8), round(width / 8)
        padded = pad(batch, (right, right, down, down))
        rows = whole(n, 2 * down + 1, batch) + torch.arange(height, device=batch.device)
        columns = whole(n, 2 * right + 1, batch) + torch.arange(width, device=batch.device)
        each = torch.arange(n, device=batch.device)[:, None, None]
        return padded[each, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)

    def cut(batch):
        n, _, height, width = batch.shape
        rows = (torch.arange(height, device=batch.device) - whole(n, height, batch)).abs()
        columns = (torch.arange(width, device=batch.device) - whole(n, width, batch)).abs()
        hole = (rows < height / 4)[:, :, None] & (columns < width / 4)[:, None, :]
        return batch * ~hole[:, None]

    def coloured(batch):
        shift, factor = torch.rand(2, len(batch), 1, 1, 1, device=batch.device)
        batch = batch + (shift - 0.5)
        mean = batch.mean((1, 2, 3), keepdim=True)
        return (batch - mean) * (factor + 0.5) + mean

    every = {"brightness": coloured, "translation": translated, "cutout": cut}
    augmentations = [augment for name, augment in every.items() if parts[name]]

    class DiffAugment(Gan):
        def judge(self, images):
            for augment in augmentations:
                images = augment(images)
            return super().judge(images)

    return DiffAugment(config, images, device=device, precision=precision)


TRAINERS = {
    "diffaugment": Trainer(
        implementation="diffaugment",
        summary="the GAN whose discriminator sees augmented images alone",
        source="Zhao et al. 2020, arXiv 2006.10738",
        declares={
            "translation": OwnSetting("whether images are shifted", True),
            "cutout": OwnSetting("whether a square of each image is blotted out", True),
            "brightness": OwnSetting("whether brightness and contrast are changed", True),
        },
    )
}
