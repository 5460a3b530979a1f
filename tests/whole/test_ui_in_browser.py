"""`ganablate ui` in a real browser: a real study's arms, pictures, numbers and report are seen."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.browser import CHROMIUM, Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from ganablate.cli import main; main()"]
ARMS = ("baseline", "norm=none", "activation=sigmoid", "latent_dim=10")
STARTS_WITHIN, SHOWS_WITHIN = 120.0, 60.0  # seconds
PICTURES = """[...document.images].filter(one => one.complete && one.naturalWidth > 100)
    .map(one => [one.naturalWidth, one.naturalHeight])"""


@dataclass
class Site:
    """A project with one small study that was run, and its UI at an address."""

    project: Path
    address: str
    printed: str

    def ask(self, path: str, **fields: Any) -> Any:
        request = urllib.request.Request(
            f"{self.address}/api/2.0/mlflow/{path}", json.dumps(fields).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    @property
    def experiment(self) -> str:
        found = self.ask("experiments/search", max_results=10, filter="name = 'quickstart'")
        return found["experiments"][0]["experiment_id"]

    def runs(self) -> dict[str, str]:
        """Run ids by run name."""
        found = self.ask("runs/search", experiment_ids=[self.experiment])["runs"]
        return {run["info"]["run_name"]: run["info"]["run_id"] for run in found}

    def page(self, rest: str) -> str:
        return f"{self.address}/#/experiments/{self.experiment}{rest}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    project = tmp_path_factory.mktemp("project")
    (project / "studies").mkdir()
    shutil.copy(ROOT / "studies" / "quickstart.yaml", project / "studies")
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    run = ["run", "studies/quickstart.yaml", "--budget", "smoke"]
    done = subprocess.run(
        [*COMMAND, *run], cwd=project, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = project / "ui.txt"
    with said.open("w") as output:
        server = subprocess.Popen(
            [*COMMAND, "ui", "--port", str(port)], cwd=project, env=environment,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        until_healthy(address, server, said)
        yield Site(project, address, said.read_text())
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


def until_healthy(address: str, server: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end:
        assert server.poll() is None, said.read_text()
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"no answer within {STARTS_WITHIN:.0f} s\n{said.read_text()}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        yield one


def until(look: Any, wanted: Any) -> Any:
    """What `look` gives once `wanted` holds of it; the test fails where it never does."""
    end = time.monotonic() + SHOWS_WITHIN
    while not wanted(seen := look()):
        assert time.monotonic() < end, f"after {SHOWS_WITHIN:.0f} s: {str(seen)[:3000]}"
        time.sleep(0.2)
    return seen


def open_page(browser: Browser, url: str, *words: str) -> str:
    """Its text once all words are in it."""
    browser.open("about:blank", 2200)  # a change behind the # alone loads nothing
    browser.open(url, 2200, 1000)
    return until(
        lambda: browser.run("document.body.innerText"),
        lambda text: all(word in text for word in words),
    )


def test_the_address_that_is_printed_opens_on_the_study(site: Site, browser: Browser) -> None:
    (address,) = re.findall(r"http://\S+", site.printed.splitlines()[0])
    assert address.startswith(site.address)
    open_page(browser, address, "quickstart", "Model registry")  # not language models' pages
    assert {"Views > trials"} <= set(re.findall(r"Views > \w+", site.printed))
    own = (site.address, "about:", "data:", "blob:")
    assert [url for url in browser.requested() if not url.startswith(own)] == []


def test_the_list_of_runs_shows_arms_replicates_outcomes_and_the_primary_metric(
    site: Site, browser: Browser
) -> None:
    rest = "/runs?viewStateShareKey=trials"
    names = [f"{arm} / 0" for arm in ARMS]
    text = open_page(browser, site.page(rest), *names, "fid", "ganablate.outcome", "not assessed")
    found = site.ask("runs/search", experiment_ids=[site.experiment])["runs"]
    numbers = [
        metric["value"]
        for run in found
        for metric in run["data"].get("metrics", ())
        if metric["key"] == "fid"
    ]
    assert len(numbers) == len(ARMS)
    for number in numbers:
        assert f"{number:.4f}"[:-2] in text
    assert "4 matching runs" in text  # the parent is no trial


def test_a_trial_shows_its_sample_grid_and_its_animation(site: Site, browser: Browser) -> None:
    run = site.runs()["norm=none / 0"]
    for name in ("samples/000000256.png", "animation.gif"):
        with Image.open(site.project / "runs" / "mlartifacts" / run / "artifacts" / name) as image:
            size = list(image.size)
        open_page(browser, site.page(f"/runs/{run}/artifacts/{name}"), name)
        until(lambda: browser.run(PICTURES), lambda sizes, size=size: size in sizes)
    text = open_page(browser, site.page(f"/runs/{run}"), "g_norm", "fid")
    assert re.search(r"fid\s+\d+\.\d", text)


def test_the_parent_run_says_what_was_found_and_shows_the_report(
    site: Site, browser: Browser, tmp_path: Path
) -> None:
    run = site.runs()["smoke"]
    open_page(browser, site.page(f"/runs/{run}"), "Baseline: FID", "report.html")
    names = ("report.html", "table.md", "table.csv")
    open_page(browser, site.page(f"/runs/{run}/artifacts/report.html"), *names)
    frame = until(lambda: browser.frame("document.body.innerText"), lambda text: text is not None)
    for words in ("Does a small DCGAN", "Arms by FID", *ARMS):
        assert words in frame
    assert browser.frame("[...document.images].every(one => one.naturalWidth > 100)")
    assert browser.frame("document.images.length") > 2
    assert browser.picture(tmp_path / "report.png", whole=False).stat().st_size > 20_000
    table = site.project / "results" / "quickstart" / "smoke" / "table.md"
    kept = site.project / "runs" / "mlartifacts" / run / "artifacts"
    assert (kept / "table.md").read_bytes() == table.read_bytes()
