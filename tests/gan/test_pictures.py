"""Images of any sizes become squares: cropped, resized, cut; or one line says why not."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from ganablate.gan import pictures
from ganablate.gan.pictures import DataError, Form


def picture(width, height, mode="RGB"):
    """Red rises to the right, green downwards."""
    across = np.linspace(0, 255, width)[np.newaxis, :].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, np.newaxis].repeat(width, 1)
    return Image.fromarray(np.stack([across, down, 0 * down], 2).astype(np.uint8)).convert(mode)


def read(file, *form):
    (pixels,) = pictures.of_files([file]).in_form(Form(*form))
    return pixels


def test_images_are_listed_by_path(tmp_path):
    for name in ("b/2.png", "a/9.jpg", "b/10.PNG", "0.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture(4, 4).save(tmp_path / name)
    for name in ("notes.txt", ".hidden.png", "a/Thumbs.db"):
        (tmp_path / name).write_text("not an image")
    listed = [file.relative_to(tmp_path).as_posix() for file in pictures.image_files(tmp_path)]
    assert listed == ["0.webp", "a/9.jpg", "b/10.PNG", "b/2.png"]


def test_folders_without_images(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        pictures.image_files(tmp_path / "absent")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match="no image in"):
        pictures.image_files(tmp_path)


@pytest.mark.parametrize(("width", "height"), [(96, 48), (48, 96), (16, 48), (33, 17), (8, 8)])
def test_short_side_is_resized_and_the_centre_cut(tmp_path, width, height):
    file = tmp_path / "one.png"
    picture(width, height).save(file)
    pixels = read(file, 16, 3)
    assert (pixels.shape, pixels.dtype) == ((16, 16, 3), np.uint8)
    # The middle of a ramp stays in the middle; the cut side shows only its inner part.
    assert pixels.mean((0, 1))[:2] == pytest.approx([127.5, 127.5], abs=6)
    if (width, height) == (96, 48):
        assert pixels[0, 0, :2].astype(float) == pytest.approx([255 / 4, 0], abs=8)


@pytest.mark.parametrize(("width", "height"), [(30, 20), (20, 30), (31, 21), (12, 12)])
def test_a_crop_takes_the_centre_of_the_original(tmp_path, width, height):
    file = tmp_path / "one.png"
    random = np.random.Generator(np.random.PCG64(0))
    original = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(original).save(file)
    top, left = (height - 12) // 2, (width - 12) // 2
    centre = original[top : top + 12, left : left + 12]
    np.testing.assert_array_equal(read(file, 12, 3, 12), centre)
    # Halved, each pixel is Pillow's mean over 2 x 2 and their neighbours: none from outside.
    halved = np.asarray(Image.fromarray(centre).resize((6, 6), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(read(file, 6, 3, 12), halved)
    assert (read(file, 6, 3, 12) != read(file, 6, 3)).any() == ((width, height) != (12, 12))


def test_a_crop_may_be_as_large_as_the_image_and_no_larger(tmp_path):
    file = tmp_path / "small.png"
    picture(40, 24).save(file)
    np.testing.assert_array_equal(read(file, 24, 3, 24), read(file, 24, 3))
    with pytest.raises(DataError) as caught:
        read(file, 24, 3, 25)
    assert str(caught.value) == f"{file}: 40 x 24 pixels; a crop of 25 does not fit into it"


def test_grey_colour_and_transparency(tmp_path):
    for mode in ("L", "RGBA", "P", "1"):
        file = tmp_path / f"{mode}.png"
        picture(20, 20, mode).save(file)
        assert read(file, 8, 3).shape == (8, 8, 3)
        assert read(file, 8, 1).shape == (8, 8, 1)
    grey = read(tmp_path / "L.png", 20, 3)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_unreadable_files_are_named(tmp_path):
    good = tmp_path / "good.png"
    picture(64, 64).save(good)
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(deep)
    for file in (cut, text, deep):
        with pytest.raises(DataError, match=file.name):
            read(file, 8, 3)


# Folders as they are in life


def listed(folder):
    return [file.relative_to(folder).as_posix() for file in pictures.image_files(folder)]


def test_hidden_folders_are_no_data(tmp_path):
    for name in (".ipynb_checkpoints/a.png", "cats/.thumbnails/b/c.png", "cats/d.png", "e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        picture(4, 4).save(tmp_path / name)
    assert listed(tmp_path) == ["cats/d.png", "e.png"]
    (tmp_path / ".data").mkdir()
    picture(4, 4).save(tmp_path / ".data" / "f.png")
    assert listed(tmp_path / ".data") == ["f.png"]  # the user named it


def test_links_are_followed_and_each_folder_is_read_once(tmp_path):
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    for folder in (elsewhere, root / "dogs"):
        folder.mkdir(parents=True)
        picture(4, 4).save(folder / "1.png")
    (root / "cats").symlink_to(elsewhere)
    (root / "zebras").symlink_to(elsewhere)
    (root / "dogs" / "again").symlink_to(root)  # a circle
    (root / "one.png").symlink_to(elsewhere / "1.png")
    assert listed(root) == ["cats/1.png", "dogs/1.png", "one.png"]
    (tmp_path / "all").symlink_to(root)
    assert listed(tmp_path / "all") == ["cats/1.png", "dogs/1.png", "one.png"]


def test_links_that_lead_nowhere_are_one_line(tmp_path):
    picture(4, 4).save(tmp_path / "0.png")
    for name in ("1.png", "2.png", "notes.txt"):
        (tmp_path / name).symlink_to(tmp_path / "moved away" / name)
    with pytest.raises(DataError) as caught:
        pictures.image_files(tmp_path)
    (line,) = str(caught.value).splitlines()
    assert "leads to no file; 1 other image likewise" in line


@pytest.mark.parametrize("turn", range(1, 9))
def test_photographs_stand_as_their_camera_was_held(tmp_path, turn):
    exif = Image.Exif()
    exif[0x0112] = turn
    file = tmp_path / "one.png"
    picture(48, 24).save(file, exif=exif)
    (upright,) = pictures.of_files([file], upright=True).in_form(Form(8, 3))
    flips = {1: (0, 0, 0), 2: (0, 1, 0), 3: (0, 1, 1), 4: (0, 0, 1), 5: (1, 0, 0), 6: (1, 1, 0),
             7: (1, 1, 1), 8: (1, 0, 1)}  # fmt: skip
    transposed, across, down = flips[turn]  # EXIF 2.32, orientation: where row 0, column 0 are
    expected = read(file, 8, 3).astype(int)
    expected = expected.transpose(1, 0, 2) if transposed else expected
    expected = expected[:, ::-1] if across else expected
    expected = expected[::-1] if down else expected
    np.testing.assert_allclose(upright, expected, atol=1)


@pytest.mark.parametrize(("width", "height"), [(900, 30), (31, 700), (4001, 7), (64, 1)])
@pytest.mark.parametrize("size", [8, 32])
def test_of_a_narrow_image_the_centre_is_what_it_is_in_the_whole(width, height, size, monkeypatch):
    random = np.random.Generator(np.random.PCG64(1))
    original = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
    form = Form(size, 3)
    centre = pictures._squared(original, form).astype(int)
    monkeypatch.setattr(pictures, "_LONGEST", 10_000)
    np.testing.assert_allclose(centre, pictures._squared(original, form), atol=1)


@pytest.mark.parametrize("size", [64, 1024])
def test_a_long_narrow_image_takes_little_memory(tmp_path, size):
    """In a process that may take 1 GB of addresses more than it has; 60,000 x 1 took 1.3 GB."""
    picture(60_000, 1).save(tmp_path / "long.png")
    code = (
        "import resource, sys; from pathlib import Path; from ganablate.gan import pictures; "
        "held = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize(); "
        "resource.setrlimit(resource.RLIMIT_AS, (held + 2**28,) * 2); "
        "form = pictures.Form(int(sys.argv[2]), 3); "
        "print(next(pictures.of_files([sys.argv[1]]).in_form(form)).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "long.png"), str(size)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == f"({size}, {size}, 3)", done.stderr


def test_each_kind_of_fault_is_one_line(tmp_path):
    for number in range(3):
        (tmp_path / f"text{number}.jpg").write_text("no image")
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "deep.png")
    picture(64, 64).save(tmp_path / "good.png")
    with pytest.raises(DataError) as caught:
        list(pictures.of_files(pictures.image_files(tmp_path)).in_form(Form(8, 3)))
    deep, text = str(caught.value).splitlines()
    assert deep == f"{tmp_path}/deep.png: more than 8 bits a channel; convert it first"
    assert text.startswith(f"{tmp_path}/text0.jpg: cannot be read as an image (")
    assert text.endswith("); 2 other images likewise")


def test_an_image_of_a_hundred_million_pixels_is_read_without_noise(tmp_path, monkeypatch):
    file = tmp_path / "large.png"
    picture(40, 40).save(file)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(file, 8, 3).shape == (8, 8, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"large\.png: cannot be read as an image"):
        read(file, 8, 3)
