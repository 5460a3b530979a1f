"""Texts of studies that several tests share."""

import re

from tests.support.fences import ROOT

HEAD = """\
study: t
base: {dataset: mnist_5k, network: dcgan, epochs: 2}
primary: fid
metrics: [fid, d_loss]
"""

LANGUAGE_BLOCKS = re.findall(
    r"^```yaml\n(.*?)^```$",
    (ROOT / "docs" / "language.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)
"""The examples of the page that teaches the YAML; all but the first lack its four keys."""
