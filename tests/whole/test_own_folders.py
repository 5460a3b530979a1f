"""Faces, flowers and bedrooms as a user has them: folders of pictures, trained with the command."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.real_project import ganablate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]

STUDY = """
study: pictures
folders:
  faces: {data_id: faces-test, channels: 3, images: 24}
  flowers: {data_id: flowers-test, channels: 3, images: 24}
  bedrooms: {data_id: bedrooms-test, channels: 3, images: 24}
base:
  dataset: folder:faces
  network: dcgan
  image_size: 64
  crop: 120
  g_width: 4
  d_width: 4
  batch_size: 8
  iterations: 4
arms:
  flowers: {dataset: "folder:flowers", crop: none}
  bedrooms: {dataset: "folder:bedrooms", crop: none}
primary: fid
metrics: [d_loss, fid, inception_score]
"""
RUN = ("run", "studies/pictures.yaml", "--data-root", "pictures")
SHAPES = {"faces": (218, 178), "flowers": (90, 130), "bedrooms": (64, 64)}


def make_pictures(root: Path) -> None:
    """24 pictures of each kind: a soft blob somewhere on a coloured ground."""
    random = np.random.default_rng(0)
    for name, (height, width) in SHAPES.items():
        folder = root / name / "part"
        folder.mkdir(parents=True)
        rows, columns = np.mgrid[:height, :width]
        for index in range(24):
            centre = random.uniform(0.3, 0.7, 2) * (height, width)
            blob = np.exp(-((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2) / 500)
            ground, colour = random.uniform(0, 255, (2, 3))
            picture = ground + blob[..., None] * (colour - ground)
            Image.fromarray(picture.astype(np.uint8)).save(folder / f"{index:03d}.jpg")


def test_folders_of_pictures_are_trained_and_drawn(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "pictures.yaml").write_text(STUDY)
    missing = ganablate(tmp_path, *RUN)
    assert missing.returncode == 2
    assert missing.stderr.count("put the images there, or name another data root") == 3
    assert not (tmp_path / "results").exists()

    make_pictures(tmp_path / "pictures")
    (tmp_path / "pictures" / "faces" / "part" / "000.jpg").rename(tmp_path / "one.jpg")
    fewer = ganablate(tmp_path, *RUN)
    assert fewer.returncode == 2
    assert "folder:faces holds 23 images, and the study pictures says 24" in fewer.stderr
    (tmp_path / "one.jpg").rename(tmp_path / "pictures" / "faces" / "part" / "000.jpg")
    done = ganablate(tmp_path, *RUN)
    assert done.returncode == 0, done.stdout + done.stderr
    results = tmp_path / "results" / "pictures" / "full"
    with (results / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["arm"] for row in rows] == ["baseline", "flowers", "bedrooms"]
    assert {row["state"] for row in rows} == {"complete"}
    # 24 images are few for 64 features, but the number is there, and no trial saw another's data.
    assert len({row["fid"] for row in rows}) == 3
    assert all(float(row["fid"]) > 0 for row in rows)
    assert {row["images_seen"] for row in rows} == {"32"}
    assert (results / "figures" / "samples.png").stat().st_size > 1000
