"""What the latent space shows: walks through it, and sums and differences of latents."""

import numpy as np

from ganablate.metrics.features import Floats
from ganablate.metrics.probes.pictures import beside, tiled
from ganablate.metrics.probes.subject import Finding, Labels, Subject

PAIRS, POINTS = 5, 9
DRAWS = 2_000
"""Latents whose images are labelled."""
EXEMPLARS = 3
TRIPLES, SUMS, NEIGHBOURS = 10, 500, 8
REACH = 0.25


def walk(subject: Subject) -> Finding:
    """Images at 9 evenly spaced points of the line between two latents, for 5 pairs of latents.

    The line is straight for uniform and for normal latents alike, so that arms of either kind are
    walked the same way, as R2 and DCGAN do. A cube holds all of it. Of normal latents the middle
    is shorter than a typical draw (about 0.7 of its length in many dimensions), so the images
    there may be worse than samples are.

    `walk_largest_step` is the largest mean absolute change of a pixel between neighbouring points
    over the mean of all 8 steps, and the mean of that over the pairs: 1 is perfectly even, 8 is a
    single jump, as between two memorised images. It is missing if nothing changes along a line.

    Returns:
        The picture `lines`, a row for each pair.

    Source: R2.4; Radford et al. 2016, arXiv 1511.06434, section 6.1.
    """
    ends = subject.latents(2 * PAIRS, "walk").reshape(PAIRS, 2, 1, -1)
    shares = np.linspace(0, 1, POINTS, dtype=np.float32)[:, np.newaxis]
    points = (1 - shares) * ends[:, 0] + shares * ends[:, 1]
    images = _images_at(subject, points)
    steps = np.abs(np.diff(images.astype(np.float64), axis=1)).mean(axis=(2, 3, 4))
    mean = steps.mean(axis=1)
    numbers = {}
    if (mean > 0).all():
        numbers["walk_largest_step"] = float((steps.max(axis=1) / mean).mean())
    protocol = f"{PAIRS} straight lines of {POINTS} points, mean absolute change of a pixel"
    return Finding(numbers, protocol, {"lines": tiled(images)})


def arithmetic(subject: Subject) -> Finding:
    """Add and subtract mean latents of classes, told apart by the extractor.

    DCGAN forms (smiling woman) - (neutral woman) + (neutral man), each the mean of 3 latents: two
    attributes are needed, so that the sum has a right answer. Classes of digits or clothes share
    no attribute. What has a right answer there is a - b + b', where b and b' are means of
    different latents of one class: it is again of the class of a, if a class is a direction or a
    region of the latent space that such a difference does not leave. `arithmetic_hits` is the share
    of 500 such sums, of random classes and latents, that the extractor gives the class of a. It is
    what arithmetic needs at least, not proof of more; by chance it is the share of that class
    among the samples. Sums of three means of 3 independent latents are as long as a single
    latent, so the images are not of an unlikely place.

    It is missing where the extractor is no classifier, or fewer than 6 of 2,000 samples are of
    some class.

    Returns:
        The picture `sums`: for 10 triples of different classes a, b, c, with nothing that must
        come out, a row of the images of the three means, then of a - b + c, then of 8 neighbours
        of that, up to 0.25 away in each dimension. None where fewer than 3 classes have 3 samples.

    Source: R2.5; Radford et al. 2016, arXiv 1511.06434, section 6.3.2 and figure 7.
    """
    assert subject.extract is not None  # the catalog says that this needs it
    latents = subject.latents(DRAWS, "arithmetic")
    probabilities = subject.extract(subject.images_of(latents)).probabilities
    if probabilities is None:
        return Finding()
    labels = probabilities.argmax(axis=1)
    groups = [np.flatnonzero(labels == label) for label in range(probabilities.shape[1])]
    numbers, pictures = {}, {}
    if all(len(group) >= 2 * EXEMPLARS for group in groups) and len(groups) > 1:
        numbers["arithmetic_hits"] = _hits(subject, latents, groups)
    drawn = [group for group in groups if len(group) >= EXEMPLARS]
    if len(drawn) > 2:
        pictures["sums"] = _picture(subject, latents, drawn)
    protocol = (
        f"{SUMS} sums a - b + b' of means of {EXEMPLARS} latents, b and b' of one class, of "
        f"{DRAWS} labelled by {subject.extractor}; {len(groups)} classes"
    )
    return Finding(numbers, protocol, pictures)


def _hits(subject: Subject, latents: Floats, groups: list[Labels]) -> float:
    """`groups`: for each class, which of the latents give it."""
    random = subject.random("arithmetic sums")
    wanted, sums = [], []
    for _ in range(SUMS):
        first, second = random.choice(len(groups), 2, replace=False)
        a = latents[random.choice(groups[first], EXEMPLARS, replace=False)].mean(axis=0)
        partners = latents[random.choice(groups[second], 2 * EXEMPLARS, replace=False)]
        b, b_again = partners[:EXEMPLARS].mean(axis=0), partners[EXEMPLARS:].mean(axis=0)
        wanted.append(first)
        sums.append(a - b + b_again)
    assert subject.extract is not None
    probabilities = subject.extract(subject.images_of(np.stack(sums))).probabilities
    assert probabilities is not None
    return float((probabilities.argmax(axis=1) == wanted).mean())


def _picture(subject: Subject, latents: Floats, groups: list[Labels]) -> np.ndarray:
    random = subject.random("arithmetic triples")
    rows = []
    for _ in range(TRIPLES):
        classes = random.choice(len(groups), 3, replace=False)
        a, b, c = (
            latents[random.choice(groups[label], EXEMPLARS, replace=False)].mean(axis=0)
            for label in classes
        )
        result = a - b + c
        steps = random.uniform(-REACH, REACH, (NEIGHBOURS, len(result))).astype(np.float32)
        rows.append(np.stack([a, b, c, result, *(result + steps)]))
    images = _images_at(subject, np.stack(rows))
    return beside([tiled(images[:, :3]), tiled(images[:, 3:4]), tiled(images[:, 4:])])


def _images_at(subject: Subject, points: Floats) -> np.ndarray:
    """The images of latents [rows, columns, latent_dim]: uint8 [rows, columns, h, w, c]."""
    flat = subject.images_of(points.reshape(-1, points.shape[2]))
    return flat.reshape(*points.shape[:2], *flat.shape[1:])
