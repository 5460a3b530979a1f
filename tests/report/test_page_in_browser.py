"""The page in a real browser: nothing overflows, columns sort, nothing is asked of a network."""

import pytest
from PIL import Image

from ganablate.report.build import build_report
from tests.support.browser import CHROMIUM, Browser
from tests.support.synthetic_study import make_plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed"),
]
COLUMN = """[...document.querySelectorAll('#arms tr')].slice(1)
    .map(row => row.cells[{column}].textContent.trim())"""
WIDER = """[...document.querySelectorAll('body *')].filter(one =>
    one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.scroll')
    ).map(one => one.tagName + '.' + one.className)"""


@pytest.fixture(scope="module")
def browser():
    with Browser() as one:
        yield one


@pytest.fixture
def page(run_all, tmp_path):
    """A study with short and long names, one arm of it without a trial."""
    arms = {
        "baseline": {}, "d_dropout=0.0": {"d_dropout": 0.0}, "latent_dim=20": {"latent_dim": 20},
        "criterion=least_squares,g_width=64,d_width=64,g_activation=relu": {"latent_dim": 9},
        "averyveryverylongnamewithoutanyjointatwhichitcouldbebrokenintotwo": {"latent_dim": 8},
        "absent": {},
    }  # fmt: skip
    plan = make_plan(arms)
    skip = {trial.trial_id for trial in plan.trials if trial.arm == "absent"}
    root = run_all(plan, skip=skip)
    return build_report(plan, trials_root=root, results_root=tmp_path / "results").files[-1]


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_overflows_and_nothing_is_loaded(browser, page, width, tmp_path):
    browser.open(page.as_uri(), width)
    assert browser.run("innerWidth") == width
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(WIDER) == []
    assert [url for url in browser.requested() if not url.startswith("data:")] == [page.as_uri()]
    shown = "[...document.images].every(one => one.complete && one.naturalWidth > 0)"
    assert browser.run(shown)
    assert browser.run("document.images.length") == 4
    errors = [one for one in browser.events if one.get("method") == "Runtime.exceptionThrown"]
    assert errors == []
    with Image.open(browser.picture(tmp_path / "page.png")) as image:
        assert image.width == width
        assert image.height > 2000


def test_a_click_sorts_and_the_baseline_stays_on_top(browser, page):
    browser.open(page.as_uri(), 1280)
    heads = browser.run("[...document.querySelectorAll('#arms th button')].map(b => b.textContent)")
    column = next(n for n, head in enumerate(heads) if head.startswith("FID"))
    names, values = COLUMN.format(column=0), COLUMN.format(column=column)
    as_written = browser.run(names)
    head = f"document.querySelectorAll('#arms th[scope=col]')[{column}]"
    orders, shown = [], []
    for _ in range(3):
        browser.run(f"{head}.querySelector('button').click()")
        orders.append(browser.run(f"{head}.getAttribute('aria-sort')"))
        shown.append((browser.run(names), browser.run(values)))
    assert orders == ["ascending", "descending", "none"]
    assert shown[2][0] == as_written
    for direction, (arms, texts) in zip((1, -1), shown[:2], strict=True):
        assert (arms[0], arms[-1], texts[-1]) == ("baseline", "absent", "—")
        numbers = [direction * float(text.split()[0]) for text in texts[1:-1]]
        assert numbers == sorted(numbers)


def test_a_heading_can_be_reached_and_pressed_by_keyboard(browser, page):
    browser.open(page.as_uri(), 1280)
    browser.run("document.querySelector('#arms th button').focus()")
    for kind in ("keyDown", "keyUp"):
        browser.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", text="\r",
            windowsVirtualKeyCode=13,
        )  # fmt: skip
    sort = "document.querySelector('#arms th').getAttribute('aria-sort')"
    assert browser.run(sort) == "ascending"
    assert browser.run(COLUMN.format(column=0))[1] == "absent"
