"""The page: escaped, self-contained, captioned, sortable, the same bytes for the same results."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from PIL import Image

from ganablate.report.claims.judgement import SEEN, Judgement
from ganablate.report.figures.style import Caption, write_small
from ganablate.report.page import write_page
from tests.support.synthetic_study import analysed, make_plan, with_parts, write_trial

VOID = {"meta", "img", "br", "wbr", "link", "input", "hr"}
JUDGEMENT = Judgement(
    SEEN, "FID 1.2 times", ("b",), because="a reason", n="3",
    id="R0.3", says="dropout matters", tested_by="FID", kind="compare", budget="cpu",
    reach=1 / 60, reach_of="images",
)  # fmt: skip


class Parsed(HTMLParser):
    """Elements in order as (tag, attributes, texts below them); fails where tags do not nest."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        element = (tag, dict(attributes), [])
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for _, _, texts in self.open:
            texts.append(data)

    def all(self, tag, **wanted):
        return [
            (attributes, " ".join("".join(texts).split()))
            for name, attributes, texts in self.elements
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]


def picture(path, caption="Study s, budget cpu: 3 arms."):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_small(path, [(Image.new("RGB", (60, 40)), Caption(caption, 0.75))])


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """An analysis of three arms, one of them without a trial."""
    root = tmp_path_factory.mktemp("trials")
    plan = make_plan({"baseline": {}, "b": {"latent_dim": 20}, "c": {}}, replicates=2)
    for number, trial in enumerate(plan.trials[:4]):
        write_trial(root, trial, numbers={"fid": 20.0 + number, "modes": 9.0})
    return with_parts(analysed(plan, root), claims=(JUDGEMENT,))


@pytest.fixture
def results(measured, tmp_path):
    """What a page is written from."""
    folder = tmp_path / "results"
    for name in ("forest", "primary", "losses", "samples"):
        picture(folder / "figures" / f"{name}.png")
    return measured, folder


def page_of(analysis, folder):
    return write_page(analysis, analysis.summary, (), folder)


def test_every_string_is_escaped(tmp_path):
    evil = "<script>alert('1')</script>\" onload=\"x"
    plan = make_plan({"baseline": {}, evil: {"latent_dim": 20}}, replicates=1)
    plan = replace(plan, study=evil, asks=evil, excluded=((evil, evil),))
    for trial in plan.trials:
        stamp = f"{evil} protocol"
        write_trial(tmp_path / "t", trial, numbers={"fid": 20.0, "modes": 9.0}, stamp=stamp)
    picture(tmp_path / "figures" / "samples.png", caption=evil)
    facts = {"seen": {"host": [evil]}, "settings": {"full": {evil: evil}}, "trials": {}}
    (tmp_path / "provenance.json").write_text(json.dumps(facts))
    judged = replace(
        JUDGEMENT, id=evil, says=evil, arms=(evil,), numbers=evil, because=evil, n=evil
    )
    text = page_of(with_parts(analysed(plan, tmp_path / "t"), claims=(judged,)), tmp_path)
    page = Parsed(text)
    assert len(page.all("script")) == 1
    assert "alert" not in page.all("script")[0][1]
    assert not any("onload" in attributes for _, attributes, _ in page.elements)
    shown = "".join(page.all("body")[0][1].split())
    assert shown.count("<script>alert('1')</script>\"onload=\"x") > 15


def test_nothing_is_loaded_from_anywhere(results):
    text = page_of(*results)
    page = Parsed(text)
    for tag, attributes, _ in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert attributes.get("src", "data:").startswith("data:")
        assert re.fullmatch(r"#[\w-]+|[\w]+\.(csv|md|tex|json)", attributes.get("href", "#x"))
    assert not re.search(r"url\(|@import|https?://|fetch\(|XMLHttp", text)
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in policy[0]["content"]


def test_every_figure_has_a_caption_with_n_budget_and_protocol_and_a_text_for_who_cannot_see(
    results,
):
    page = Parsed(page_of(*results))
    figures, captions = page.all("figure"), page.all("figcaption")
    assert len(figures) == len(captions) == 3  # the dots of `primary` are in the forest too
    for _, caption in captions:
        assert "n = 0 to 2 an arm" in caption
        assert "budget cpu" in caption
    assert "mnist_classifier@1a2b3c4d" in captions[0][1]
    images = page.all("img")
    assert all(len(attributes["alt"]) > 20 for attributes, _ in images)
    # The picture's own caption is cut off: it stands below in text.
    assert all("aspect-ratio: 60 / 30" in attributes["style"] for attributes, _ in images)


def test_a_picture_that_is_not_there_is_left_out_and_one_of_another_writer_is_shown_whole(results):
    analysis, folder = results
    (folder / "figures" / "forest.png").unlink()
    Image.new("RGB", (50, 20)).save(folder / "figures" / "primary.png")
    (folder / "figures" / "samples.png").unlink()
    page = Parsed(page_of(analysis, folder))
    sections = [attributes.get("id") for attributes, _ in page.all("section")]
    assert sections[2:4] == ["primary", "losses"]
    assert "samples" not in sections
    assert "aspect-ratio: 50 / 20" in page.all("img")[0][0]["style"]
    assert "budget cpu" in page.all("figcaption")[0][1]


def test_the_shares_of_the_classes_are_bars_on_one_scale(tmp_path):
    plan = make_plan({"baseline": {}, "b": {}}, replicates=2, metrics=("fid", "class_shares"))
    for trial in plan.trials:
        nine = 0.3 if trial.arm == "b" else 0.1
        shares = {f"class_share_{label}": (1 - nine) / 9 for label in range(9)}
        numbers = {"fid": 20.0, "largest_class": nine, **shares, "class_share_9": nine}
        write_trial(tmp_path / "trials", trial, numbers=numbers)
    page = Parsed(page_of(analysed(plan, tmp_path / "trials"), tmp_path / "results"))
    ((_, text),) = page.all("section", id="classes")
    assert "b 0123456789 largest: class 9, 30.0 % (n = 2)" in text
    assert "a full bar is 30 %, the line an even share, 10 %" in text
    bars = [a["style"] for a, _ in page.all("span") if a.get("style", "").startswith("height")]
    assert bars == ["height: 33.3%"] * 10 + ["height: 25.9%"] * 9 + ["height: 100.0%"]
    (label, *_) = [a["aria-label"] for a, _ in page.all("span", role="img")]
    assert label.startswith("class 0 10.0 %, class 1 10.0 %")
    heads = {text for _, text in page.all("th", scope="col")}
    assert "Largest class ↓" in heads
    assert not any("Share of class" in head for head in heads)


def test_the_baseline_is_pinned_and_columns_can_be_sorted(results):
    page = Parsed(page_of(*results))
    rows = page.all("tr", **{"class": "pinned"})
    assert [text.split()[0] for _, text in rows] == ["baseline", "baseline"]
    heads = [attributes for attributes, _ in page.all("th", scope="col")]
    assert all(attributes["aria-sort"] == "none" for attributes in heads)
    assert len(page.all("button", type="button")) == len(heads)


def test_a_missing_number_is_missing(results):
    page = Parsed(page_of(*results))
    (body,) = page.all("body")
    assert not re.search(r"\b(nan|NaN|None|NA|<NA>|inf)\b", body[1])
    cells = [text for attributes, text in page.all("td") if attributes["data-sort"] == ""]
    assert "—" in cells
    assert "c: no number yet, or one of another protocol or criterion." in body[1]


def test_verdicts_are_said_in_words_beside_their_sign(results):
    analysis, folder = results
    table = analysis.table.assign(verdict=pd.Series([pd.NA, "worse", pd.NA], dtype="string"))
    page = Parsed(page_of(with_parts(analysis, claims=(JUDGEMENT,), table=table), folder))
    assert page.all("span", **{"class": "pill worse"})[0][1] == "■ worse, p 0.11"
    assert (
        page.all("span", **{"class": "pill changed"})[0][1]
        == "▲ seen at 1/60 of the report's images"
    )


def test_the_same_results_give_the_same_bytes(results, tmp_path):
    analysis, folder = results
    again = folder.rename(tmp_path / "elsewhere")
    first = page_of(analysis, again)
    assert page_of(analysis, again.rename(folder)) == first


def test_where_a_claim_fails_its_reason_stands_beside_it(results):
    page = Parsed(page_of(*results))
    (row,) = [text for _, text in page.all("tr") if text.startswith("R0.3")]
    reached = "seen at 1/60 of the report's images"
    assert row == f"R0.3 dropout matters b FID ▲ {reached} FID 1.2 times a reason 3"
    analysis, folder = results
    said = " ".join(text for _, text in page.all("p", **{"class": "caption"}))
    assert "Judged at the budget cpu, at a level of 5 %." in said
    again = Parsed(page_of(with_parts(analysis, claims=(JUDGEMENT,), alpha=0.025), folder))
    assert "at a level of 2.5 %." in " ".join(text for _, text in again.all("p"))
    without = Parsed(page_of(replace(analysis), folder))
    assert not without.all("table", id="claims")
