"""Images of any sizes become squares: cropped, resized, cut; or one line says why not."""

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
