"""Fixtures of the report's tests."""

from pathlib import Path

import pytest
from matplotlib.text import Text

from ganablate.report.figures import style
from tests.support.synthetic_study import three_arms_plan, write_all


class Drawn:
    """The figures that a test drew, the last one being `figure`."""

    figure = None

    @property
    def texts(self):
        """Every text of the last figure."""
        return [text.get_text() for text in self.figure.findobj(Text)]

    @property
    def said(self):
        """All of them in one line."""
        return " ".join(" ".join(self.texts).split())


@pytest.fixture
def drawn(monkeypatch):
    seen, real = Drawn(), style.rendered

    def rendered(figure, dpi):
        seen.figure = figure
        return real(figure, dpi)

    monkeypatch.setattr(style, "rendered", rendered)
    return seen


@pytest.fixture
def three_arms():
    return three_arms_plan()


@pytest.fixture
def run_all(tmp_path):
    """`write_all` under the test's own folder."""

    def run(plan, *, root: Path = tmp_path / "runs" / "trials", skip=(), samples=True):
        return write_all(plan, root, skip=skip, samples=samples)

    return run
