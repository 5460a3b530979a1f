"""What the discriminator's convolutions show: its last feature maps, and what a linear SVM learns.

"Maps" are a convolution's own output in evaluation mode, before norm, activation or pooling.
"""

import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d

from ganablate.config import derive_seed
from ganablate.metrics.features import Floats, Images, MetricError
from ganablate.metrics.probes.pictures import as_grey, beside, tiled
from ganablate.metrics.probes.subject import Finding, Labelled, Labels, Subject

IMAGES, MAPS = 10, 6
TRAIN, TEST = 10_000, 2_000
GRID = 4
C = 1.0
"""The SVM's C. Features have a mean square length of 1, so C means the same at any width."""
_TOLERANCE, _SWEEPS = 0.1, 1_000
"""Liblinear's own. 10,000 x 1,792 features took 20 s in the dual, 123 s in the primal that
scikit-learn would choose and with its tolerance; the accuracies differed by 0.0005."""
_BATCH = 250


def filters(subject: Subject) -> Finding:
    """The first 6 maps of D's last hidden convolution for 10 real images, trained and untrained.

    For the untrained net batch norm changes nothing in evaluation mode. Each map is stretched from
    its lowest value (black) to its highest (white), so brightness compares places within a map, not
    maps.

    Returns:
        The picture `maps`: a row an image, at its left the image, then the trained maps, then the
        untrained ones.

    Source: R2.3.
    """
    chosen = subject.random("filters").permutation(len(subject.train.images))[:IMAGES]
    images = np.asarray(subject.train.images[np.sort(chosen)])
    columns = [tiled(images[:, np.newaxis])]
    for discriminator in (subject.discriminator, subject.untrained_discriminator):
        maps = _hidden_maps(discriminator, subject.scale(images))[-1][:, :MAPS]
        columns.append(tiled(as_grey(maps.float().cpu().numpy(), images.shape[1])))
    return Finding(pictures={"maps": beside(columns)})


def svm(subject: Subject) -> Finding:
    """Accuracy of a linear SVM on D's convolutions: what D learnt of classes without labels.

    The output of every convolution but the one that gives the logit is max-pooled to 4 x 4, all
    of them flattened and joined: 28,672 features for a DCGAN of width 256 at 32 x 32, as in R2.
    D is in evaluation mode. Each feature is standardised by the mean and deviation of the training
    rows, then divided by the root of the number of features. On them a linear SVM is trained, L2
    regularised with C = 1, squared hinge loss, one class against the rest.

    At most 10,000 training and 2,000 test images, the first of a fixed shuffle. Where there is no
    test split, a fifth of the labelled images is held out of the SVM's training; D was trained on
    images of that split, without labels. R2 and DCGAN name neither C nor a scaling. 28,672
    features of 10,000 images take 3.4 GB while the SVM is trained. To see what training added,
    compare with an arm of one iteration: a linear SVM does well on random convolutions too.

    Returns:
        svm_train_accuracy and svm_test_accuracy in [0, 1], svm_dimensions; none where a feature
        is not finite.

    Raises:
        MetricError: D has no hidden convolution, or the images have no labels.

    Source: R2.2; Radford et al. 2016, arXiv 1511.06434, section 5.1.
    """
    train, test, split = _sets(subject)
    assert train.labels is not None
    assert test.labels is not None
    features, unseen = _features(subject, train.images), _features(subject, test.images)
    protocol = (
        f"linear SVM, squared hinge, C {C:g}, standardised maps of D pooled to {GRID}x{GRID}, "
        f"train {len(features)}, test {len(unseen)} {split}"
    )
    if not (np.isfinite(features).all() and np.isfinite(unseen).all()):
        return Finding(protocol=protocol)
    _standardise(features, unseen)
    classifier, converged = _fitted(features, train.labels)
    numbers = {
        "svm_train_accuracy": float(classifier.score(features, train.labels)),
        "svm_test_accuracy": float(classifier.score(unseen, test.labels)),
        "svm_dimensions": float(features.shape[1]),
    }
    return Finding(numbers, protocol if converged else f"{protocol}, not converged")


def _sets(subject: Subject) -> tuple[Labelled, Labelled, str]:
    """What the SVM is trained and tested on, and where the test images come from."""
    if subject.test is not None:
        train, test = subject.train, subject.test()
        return _first(train, 0, TRAIN), _first(test, 0, TEST), "of the test split"
    count = min(TEST, len(subject.train.images) // 5)
    test = _first(subject.train, 0, count)
    train = _first(subject.train, count, count + TRAIN)
    return train, test, "held out of the split that D is trained on, without labels"


def _first(images: Labelled, start: int, stop: int) -> Labelled:
    """These places of a shuffle that is the same in every trial."""
    if images.labels is None:
        raise MetricError("svm needs labels, and these images have none")
    random = np.random.Generator(np.random.PCG64(derive_seed("svm")))
    # Sorted, since a memory map is read faster in order.
    chosen = np.sort(random.permutation(len(images.images))[start:stop])
    return Labelled(np.asarray(images.images[chosen]), images.labels[chosen])


def _features(subject: Subject, images: Images) -> Floats:
    """Float32 [n, dimensions]."""
    rows = []
    for start in range(0, len(images), _BATCH):
        batch = subject.scale(images[start : start + _BATCH])
        maps = _hidden_maps(subject.discriminator, batch)
        pooled = [adaptive_max_pool2d(each, GRID).flatten(1) for each in maps]
        rows.append(torch.cat(pooled, 1).float().cpu().numpy())
    return np.concatenate(rows)


def _standardise(train: Floats, test: Floats) -> None:
    """In place; a feature that is the same in every training image becomes 0 there."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1) * np.sqrt(np.float32(train.shape[1]))
    for rows in (train, test):
        rows -= mean
        rows /= scale


def _fitted(features: Floats, labels: Labels) -> tuple[LinearSVC, bool]:
    """The trained SVM, and whether its solver converged."""
    classifier = LinearSVC(C=C, dual=True, tol=_TOLERANCE, max_iter=_SWEEPS, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        classifier.fit(features, labels)
    return classifier, not any(issubclass(each.category, ConvergenceWarning) for each in caught)


def _hidden_maps(discriminator: nn.Module, images: Tensor) -> list[Tensor]:
    """The maps of every convolution but the one that gives the logit, from first to last.

    Args:
        discriminator: in evaluation mode.
        images: [n, channels, height, width] in its pixel range.

    Returns:
        One [n, maps, height, width] for each convolution, float32.

    Raises:
        MetricError: it has no hidden convolution.
    """
    outputs: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        outputs.append(output)

    convolutions = [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]
    handles = [module.register_forward_hook(keep) for module in convolutions]
    try:
        # The caller may be inside a bf16 autocast of its own.
        with torch.inference_mode(), torch.autocast(images.device.type, enabled=False):
            discriminator(images)
    finally:
        for handle in handles:
            handle.remove()
    hidden = [maps for maps in outputs if maps[0].numel() > 1]
    if not hidden:
        raise MetricError("the discriminator has no hidden convolution to look at")
    return hidden
