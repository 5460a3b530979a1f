"""Sums and differences of latents."""

import numpy as np

from ganablate.metrics.features import Floats
from ganablate.metrics.probes.picture import beside, tiled
from ganablate.metrics.probes.subject import Finding, Labels, Subject

DRAWS = 2_000
"""Latents whose images are labelled."""
EXEMPLARS = 3
TRIPLES = 10
SUMS = 500
NEIGHBOURS = 8
REACH = 0.25

Groups = list[Labels]
"""For each class, which of the latents give it."""


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


def _hits(subject: Subject, latents: Floats, groups: Groups) -> float:
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


def _picture(subject: Subject, latents: Floats, groups: Groups) -> np.ndarray:
    random = subject.random("arithmetic triples")
    rows = []
    for _ in range(TRIPLES):
        classes = random.choice(len(groups), 3, replace=False)
        a, b, c = (
            latents[random.choice(groups[label], EXEMPLARS, replace=False)].mean(axis=0)
            for label in classes
        )
        result = a - b + c
        away = random.uniform(-REACH, REACH, (NEIGHBOURS, len(result))).astype(np.float32)
        rows.append(np.stack([a, b, c, result, *(result + away)]))
    points = np.stack(rows)
    flat = subject.images_of(points.reshape(TRIPLES * points.shape[1], -1))
    images = flat.reshape(*points.shape[:2], *flat.shape[1:])
    return beside([tiled(images[:, :3]), tiled(images[:, 3:4]), tiled(images[:, 4:])])
