"""The materialised images: made once, whole or not at all, and never another set's."""

import dataclasses
import json
import multiprocessing
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganablate.catalog import DATASETS
from ganablate.gan import data, datasets
from ganablate.gan.data import DataError, materialise, training_subset


@pytest.fixture(scope="module")
def digits(digits_cache):
    """mnist_5k as it was parsed for all tests: its text file takes seconds."""
    made = materialise("mnist_5k", 28, data_root=None, cache=digits_cache)
    return np.array(made.images), made.labels


@pytest.fixture
def quick_digits(digits, monkeypatch):
    calls = []

    def read(root):
        calls.append(root)
        return digits

    monkeypatch.setattr(datasets, "mnist_5k", read)
    return calls


@pytest.fixture
def root(tmp_path):
    """A data root with `folder:few`, five small pictures."""
    folder = tmp_path / "root" / "few"
    folder.mkdir(parents=True)
    random = np.random.Generator(np.random.PCG64(0))
    for index in range(5):
        pixels = random.integers(0, 256, (12, 10, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return tmp_path / "root"


def few(root, name="few", size=8, **form):
    cache = root.parent / "cache"
    return materialise(f"folder:{name}", size, data_root=root, cache=cache, **form)


def digits_at(size, cache):
    return materialise("mnist_5k", size, data_root=None, cache=cache)


def error_of(*args, **form):
    with pytest.raises(DataError) as caught:
        materialise(*args, data_root=None, **form)
    return str(caught.value)


def test_mnist_5k_is_real_mnist(quick_digits, tmp_path):
    made = digits_at(28, tmp_path)
    line = DATASETS["mnist_5k"]
    assert made.images.shape == (line.images, 28, 28, 1)
    assert made.images.dtype == np.uint8
    assert isinstance(made.images, np.memmap)
    assert not made.images.flags.writeable
    assert made.labels.dtype == np.int64
    assert np.bincount(made.labels).tolist() == [500] * 10
    # MNIST's own mean and deviation (0.1307, 0.3081) over 60,000, here over 5,000.
    unit = np.asarray(made.images) / 255
    assert unit.mean() == pytest.approx(0.1307, abs=0.004)
    assert unit.std() == pytest.approx(0.3081, abs=0.004)
    np.testing.assert_array_equal(np.load(made.path), made.images)
    assert made.fingerprint.startswith("191567b2d37b")
    assert len(made.fingerprint) == 64


def test_read_once_and_then_mapped(quick_digits, tmp_path):
    first = digits_at(28, tmp_path)
    second = digits_at(28, tmp_path)
    assert len(quick_digits) == 1
    assert first.fingerprint == second.fingerprint
    assert first.path == second.path
    np.testing.assert_array_equal(first.labels, second.labels)


def test_resized_only_where_the_size_differs(quick_digits, digits, tmp_path):
    same = digits_at(28, tmp_path)
    np.testing.assert_array_equal(same.images, digits[0])
    half = digits_at(14, tmp_path)
    assert half.images.shape == (5000, 14, 14, 1)
    assert half.fingerprint != same.fingerprint
    assert half.path != same.path
    # A resize that averages keeps the mean; one that skips pixels makes it noisy per image.
    difference = half.images.mean((1, 2, 3)) - digits[0].mean((1, 2, 3))
    assert np.abs(difference).max() < 3
    assert half.images.mean() == pytest.approx(digits[0].mean(), abs=0.3)


def test_folder(root):
    made = few(root)
    assert made.images.shape == (5, 8, 8, 3)
    assert made.labels is None
    for index, image in enumerate(made.images):  # 10 x 12 becomes 8 x 10, then the middle
        with Image.open(root / "few" / f"{index}.png") as picture:
            resized = picture.resize((8, 10), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(image, np.asarray(resized)[1:9])


def test_changed_folder_is_read_anew(root):
    before = few(root)
    old = np.array(before.images)
    (root / "few" / "4.png").unlink()
    after = few(root)
    assert after.images.shape == (4, 8, 8, 3)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(before.images, old)  # a trial that still maps it is not disturbed
    other = root.parent / "other"
    shutil.copytree(root, other)
    Image.new("RGB", (9, 9), "red").save(other / "few" / "0.png")
    moved = materialise("folder:few", 8, data_root=other, cache=root.parent / "cache")
    assert moved.images[0, 0, 0].tolist() == [255, 0, 0]


def test_crops_have_caches_of_their_own(root):
    whole, places = few(root), set()
    for size, crop, channels in ((8, 10, None), (8, 9, None), (10, 10, None), (8, 10, 1)):
        made = few(root, size=size, crop=crop, channels=channels)
        assert made.images.shape == (5, size, size, channels or 3)
        places.add(made.path)
        with Image.open(root / "few" / "3.png") as picture:
            left, top = (10 - crop) // 2, (12 - crop) // 2
            cut = picture.convert("L" if channels == 1 else "RGB").crop(
                (left, top, left + crop, top + crop)
            )
        expected = np.asarray(cut.resize((size, size), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(made.images[3].squeeze(), expected)
    assert len(places | {whole.path}) == 5
    np.testing.assert_array_equal(few(root).images, whole.images)


def test_a_set_of_the_catalog_is_cropped_too(digits, tmp_path, monkeypatch):
    images, labels = digits[0][::50], digits[1][::50]
    few = dataclasses.replace(DATASETS["mnist_5k"], images=100)
    monkeypatch.setitem(DATASETS, "mnist_5k", few)
    monkeypatch.setattr(datasets, "mnist_5k", lambda _root: (images, labels))
    made = materialise("mnist_5k", 20, data_root=None, cache=tmp_path, crop=20)
    np.testing.assert_array_equal(made.images, images[:, 4:24, 4:24])
    np.testing.assert_array_equal(made.labels, labels)
    enlarged = materialise("mnist_5k", 28, data_root=None, cache=tmp_path, crop=20)
    assert enlarged.images.shape == (100, 28, 28, 1)
    assert enlarged.images.mean() > 1.5 * images.mean()  # the digits fill the frame
    line = "mnist_5k, image 0: 28 x 28 pixels; a crop of 29 does not fit into it"
    assert error_of("mnist_5k", 28, cache=tmp_path, crop=29) == f"{line}; 99 other images likewise"


@pytest.mark.parametrize("size", [32, 128])
def test_photo_patches_serve_at_other_sizes(tmp_path, monkeypatch, size):
    patches, labels = datasets.photo_patches(Path())
    some = dataclasses.replace(DATASETS["photo_patches"], images=20)
    monkeypatch.setitem(DATASETS, "photo_patches", some)
    monkeypatch.setattr(datasets, "photo_patches", lambda _root: (patches[:20], labels[:20]))
    made = materialise("photo_patches", size, data_root=None, cache=tmp_path)
    assert made.images.shape == (20, size, size, 3)
    np.testing.assert_allclose(made.images.mean((1, 2)), patches[:20].mean((1, 2)), atol=3)


def test_the_test_split_has_a_cache_of_its_own(tmp_path, monkeypatch):
    images = np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28, 1)
    labels = np.array([3, 8])
    monkeypatch.setattr(datasets, "mnist_test", lambda _root: (images, labels))
    monkeypatch.setattr(datasets, "mnist", lambda _root: (255 - images, labels[::-1]))
    few = dataclasses.replace(DATASETS["mnist"], images=2)
    monkeypatch.setitem(DATASETS, "mnist", few)
    test = materialise("mnist", 28, data_root=None, cache=tmp_path, split="test")
    train = materialise("mnist", 28, data_root=None, cache=tmp_path)
    np.testing.assert_array_equal(test.images, images)
    np.testing.assert_array_equal(train.images, 255 - images)
    assert test.labels.tolist() == [3, 8]
    assert train.labels.tolist() == [8, 3]
    again = materialise("mnist", 28, data_root=None, cache=tmp_path, split="test")
    assert again.path == test.path != train.path


@pytest.mark.parametrize("dataset", ["mnist_5k", "celeba", "folder:few"])
def test_sets_without_a_test_split_say_so(tmp_path, dataset):
    assert error_of(dataset, 28, cache=tmp_path, split="test") == (
        f"{dataset} has no labelled test split; there is one of mnist, fashion_mnist, cifar10"
    )


DAMAGES = {
    "truncate": lambda old: old[:-1],
    "lengthen": lambda old: old + b"x",
    "empty": lambda _: b"",
    "break": lambda _: b"{",
    "other shape": lambda old: json.dumps({**json.loads(old), "shape": [1, 2, 3, 4]}).encode(),
}


def damage(path, how):
    if how == "remove":
        path.unlink()
    else:
        path.write_bytes(DAMAGES[how](path.read_bytes()))


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("images.npy", "truncate"), ("images.npy", "lengthen"), ("images.npy", "empty"),
        ("images.npy", "remove"), ("card.json", "remove"), ("card.json", "break"),
        ("card.json", "empty"), ("card.json", "other shape"),
    ],
)  # fmt: skip
def test_a_damaged_cache_is_built_anew(root, name, how):
    made = few(root)
    expected = np.array(made.images)
    damage(made.path.with_name(name), how)
    again = few(root)
    np.testing.assert_array_equal(again.images, expected)
    assert again.fingerprint == made.fingerprint


@pytest.mark.parametrize("how", ["truncate", "empty", "remove"])
def test_damaged_labels(quick_digits, tmp_path, how):
    made = digits_at(28, tmp_path)
    damage(made.path.with_name("labels.npy"), how)
    again = digits_at(28, tmp_path)
    assert len(quick_digits) == 2
    assert np.bincount(again.labels).tolist() == [500] * 10


@pytest.mark.parametrize("dies_in", ["write_text", "_write_array"])
def test_a_death_while_building_leaves_nothing_that_counts(root, monkeypatch, dies_in):
    class KilledError(BaseException):
        pass

    def die(*_args, **_kwargs):
        raise KilledError

    def forget(*_args, **_kwargs):
        """A killed process does not tidy up."""

    with monkeypatch.context() as patched:
        patched.setattr(data, dies_in, die)
        patched.setattr(data.shutil, "rmtree", forget)
        with pytest.raises(KilledError):
            few(root)
    cache = root.parent / "cache"
    assert not [path for path in cache.iterdir() if path.is_dir() and path.name[0] != "."]
    assert few(root).images.shape == (5, 8, 8, 3)
    assert not list(cache.glob(".*partial"))


def _materialise_and_report(root, barrier, results):
    real, built = data._build, []
    data._build = lambda *args: (built.append(1), real(*args))
    barrier.wait()
    made = few(Path(root))
    results.put((made.fingerprint, int(made.images.sum()), len(built)))


@pytest.mark.slow
def test_two_processes_build_it_once(root):
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    workers = [
        context.Process(target=_materialise_and_report, args=(str(root), barrier, results))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    (first, sum1, built1), (second, sum2, built2) = (results.get(timeout=60) for _ in workers)
    for worker in workers:
        worker.join(timeout=60)
        assert worker.exitcode == 0
    assert (first, sum1) == (second, sum2)
    assert built1 + built2 == 1


def test_a_set_of_another_shape_is_refused(quick_digits, digits, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "mnist_5k", lambda _root: (digits[0][:3], digits[1][:3]))
    with pytest.raises(DataError, match=r"\(3, 28, 28, 1\).*5000"):
        digits_at(28, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def test_pixels_of_another_type_are_refused(quick_digits, digits, tmp_path, monkeypatch):
    """Cast to uint8, images in [0, 1] would be black."""
    unit = digits[0] / np.float32(255)
    monkeypatch.setattr(datasets, "mnist_5k", lambda _root: (unit, digits[1]))
    line = "mnist_5k: its reader gives images of float32; uint8, 0 to 255, is needed"
    assert error_of("mnist_5k", 28, cache=tmp_path) == line


def test_a_reader_that_leaves_is_a_line(quick_digits, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "mnist_5k", lambda _root: sys.exit(3))
    assert error_of("mnist_5k", 28, cache=tmp_path) == "mnist_5k: its reader calls sys.exit(3)"


@pytest.mark.parametrize("number", [4999, 5001])
def test_labels_of_another_number_are_refused(quick_digits, digits, tmp_path, monkeypatch, number):
    labels = np.resize(digits[1], number)
    monkeypatch.setattr(datasets, "mnist_5k", lambda _root: (digits[0], labels))
    assert error_of("mnist_5k", 28, cache=tmp_path) == (
        f"mnist_5k: its reader gives labels of the shape ({number},) for 5,000 images; one each is "
        "needed"
    )


@pytest.mark.parametrize("name", ["../few", "few/../../few", "/etc", "", ".", "few/..", "/../few"])
def test_folder_names_stay_inside_the_root(root, name):
    with pytest.raises(DataError, match="inside the data root"):
        few(root, name)


def test_a_link_the_user_made_may_lead_elsewhere(root):
    (root / "linked").symlink_to(root / "few")
    made = few(root, "linked")
    assert made.fingerprint == few(root).fingerprint


def test_sub_folders_have_caches_of_their_own(root):
    shutil.copytree(root / "few", root / "a" / "b")
    Image.new("RGB", (9, 9), "blue").save(root / "a" / "b" / "0.png")
    nested = few(root, "a/b")
    assert nested.images[0, 0, 0].tolist() == [0, 0, 255]
    assert nested.path.parent.parent == root.parent / "cache"


def test_unknown_sets_and_missing_folders(tmp_path):
    with pytest.raises(DataError, match=r"no data set 'nope'.*mnist_5k"):
        materialise("nope", 28, data_root=None, cache=tmp_path)
    with pytest.raises(DataError, match="downloads/absent"):
        materialise("folder:absent", 28, data_root=None, cache=tmp_path / "data")


def test_training_subset():
    assert training_subset(100, None) is None
    assert training_subset(100, 100) is None
    assert training_subset(100, 101) is None
    small, large = training_subset(5000, 512), training_subset(5000, 1000)
    assert small.dtype == np.int64
    np.testing.assert_array_equal(small, large[:512])
    assert len(set(large.tolist())) == 1000
    assert large.min() >= 0
    assert large.max() < 5000
    # Of a file sorted by class, 500 each, a shuffle takes from every class about evenly.
    classes = np.bincount(small // 500, minlength=10)
    assert classes.min() > 30
    assert classes.max() < 75


def test_training_subset_is_the_same_for_good():
    """A change of these numbers would change what every recorded trial was trained on."""
    assert training_subset(5000, 5).tolist() == [62, 2206, 1467, 4650, 1787]
