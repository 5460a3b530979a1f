"""looks.csv: what counts as a look, at which level, and that it can be read again."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganablate.report import build
from ganablate.report.frames.history import read_history
from ganablate.report.frames.look_file import add_look, looks_csv, read_looks
from ganablate.report.frames.looks import (
    bound,
    is_whole,
    level_of,
    look_at,
    look_notes,
    spending,
    with_look_by_hand,
)
from ganablate.report.frames.question import question_hash, question_text
from tests.support.synthetic_study import make_plan, write_trial

ARMS = {"baseline": {}, "batch_size=32": {"batch_size": 32}, 'a, "b": c': {"batch_size": 128}}


def trials_of(plan):
    """The columns that looks are about, all complete."""
    rows = [{"arm": trial.arm, "state": "complete"} for trial in plan.trials]
    return pd.DataFrame(rows, dtype="string")


def looks_at(*numbers):
    """The looks of a study that was reported with these numbers of replicates, one by one."""
    looks = ()
    for number in numbers:
        plan = make_plan(ARMS, replicates=number)
        looks = with_look_by_hand(looks, trials_of(plan), plan)
    return looks


def adaptive(level=0.00625, **changes):
    look = look_at(make_plan(ARMS), "adaptive", dict.fromkeys(ARMS, 5), level, (5, 7, 10))
    parts = {"decided": ("batch_size=32",), "set_aside": ('a, "b": c',)}
    return replace(look, **{**parts, **changes})


def test_each_time_that_replicates_are_added_the_level_is_halved():
    looks = looks_at(3, 5, 8)
    assert [look.level for look in looks] == [0.05, 0.025, 0.0125]
    assert [look.replicates for look in looks] == [dict.fromkeys(ARMS, n) for n in (3, 5, 8)]
    assert level_of(looks) == 0.0125
    assert bound(looks) == pytest.approx(0.0875)
    assert (level_of(()), bound(())) == (0.05, 0)


def test_only_more_replicates_of_an_arm_are_a_look():
    assert looks_at(5, 5, 5) == looks_at(5)
    # One replicate can show nothing.
    assert looks_at(1) == ()
    assert [look.level for look in looks_at(1, 5)] == [0.05]
    plan = make_plan(ARMS, replicates=5)
    trials = trials_of(plan)
    trials.loc[(trials["arm"] != "batch_size=32"), "state"] = "pending"
    looks = with_look_by_hand(looks_at(3), trials, plan)
    assert (len(looks), looks[-1].level) == (2, 0.025)
    assert not is_whole(trials)
    more, fewer = {**ARMS, "batch_size=512": {"batch_size": 512}}, {"baseline": {}}
    for arms in (more, fewer):
        plan = make_plan(arms, replicates=5)
        assert with_look_by_hand(looks_at(5), trials_of(plan), plan) == looks_at(5)


def test_bound_of_a_schedule_and_of_one_that_was_declared_late():
    declared = (adaptive(), adaptive(0.0109))
    assert bound(declared) == pytest.approx(0.05)
    late = (*looks_at(5), adaptive(0.00857, declared=(7, 10)), adaptive(0.0164, declared=(7, 10)))
    assert bound(late) == pytest.approx(0.075)


NAMES = st.lists(st.sampled_from(list(ARMS)), unique=True).map(tuple)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(2, 99), st.floats(1e-9, 0.05), NAMES), max_size=4))
def test_reading_gives_what_was_written(tmp_path_factory, rows):
    looks = tuple(
        adaptive(level, replicates=dict.fromkeys(ARMS, n), decided=names, goes_on=names)
        for n, level, names in rows
    )
    path = tmp_path_factory.mktemp("looks") / "looks.csv"
    path.write_text(looks_csv(looks), encoding="utf-8")
    assert (read_looks(path).looks, read_looks(path).breaks) == (looks, ())
    added = path.with_name("added.csv")
    for look in looks:
        add_look(added, look)
    assert not looks or added.read_bytes() == path.read_bytes()


def test_the_file_is_readable():
    plan = make_plan({"baseline": {}, "wide": {"g_width": 64}}, replicates=5)
    (look,) = with_look_by_hand((), trials_of(plan), plan)
    header, row = looks_csv([replace(look, decided=("wide",))]).splitlines()
    assert header == (
        "date,study,budget,kind,declared,replicates,level,decided,set_aside,goes_on,sha256,"
        "question,previous"
    )
    start = '"{""baseline"":5,""wide"":5}",0.05,"[""wide""]",[],[],'
    asked = question_text(look.asked).replace('"', '""')
    before = f"{look.date},mnist_ablation,cpu,by hand,,{start}"
    assert row == f'{before}{question_hash(look.asked)},"{asked}",'


def test_a_row_that_was_changed_or_taken_out_is_a_break(tmp_path):
    path = tmp_path / "looks.csv"
    header, *lines = looks_csv(looks_at(3, 5, 8)).splitlines(keepends=True)
    damages = {
        "".join(lines): [],
        "".join(lines[:2]): [],  # what was behind the last row, the file alone cannot tell
        "".join(lines[1:]): ["a row before the first of looks.csv was changed or taken out"],
        lines[0] + lines[2]: ["the row before row 2 of looks.csv was changed or taken out"],
        lines[0] + lines[1].replace("by hand", "seen") + lines[2]: [
            "the row before row 3 of looks.csv was changed or taken out"
        ],
        lines[0].replace("fid", "kid"): ["the question in row 1 of looks.csv was changed"],
    }
    for text, breaks in damages.items():
        path.write_text(header + text, encoding="utf-8")
        assert list(read_looks(path).breaks) == breaks
    # Windows' line ends are no change.
    path.write_text(header + "".join(lines), encoding="utf-8", newline="\r\n")
    assert read_looks(path).breaks == ()


def test_looks_at_other_trials_do_not_count(tmp_path):
    folder = tmp_path / "results" / "mnist_ablation" / "cpu"
    other = make_plan({"baseline": {}, "wide": {"g_width": 64}, "flat": {"g_width": 8}})
    looks = [replace(look_at(other, "by hand", {"baseline": 9}, 0.01), study="b"), *looks_at(5)]
    path = folder.parents[1] / "looks.csv"
    path.parent.mkdir()
    path.write_text(looks_csv(looks), encoding="utf-8")
    assert read_history(make_plan(ARMS), folder).looks == looks_at(5)
    assert read_looks(tmp_path / "none.csv").looks == ()


def test_without_more_replicates_nothing_is_spent():
    first, second = looks_at(3, 5)
    again, asked = replace(first, date="2000-01-01"), replace(second, kind="seen")
    assert spending([first, again, asked, second, second]) == (first, second)
    assert spending([replace(second, kind="preregistered"), first]) == (first,)
    assert spending([first, adaptive(), adaptive()]) == (first, adaptive(), adaptive())


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("by hand", "by foot"),
        (",0.05,", ",0.5,"),
        (",0.05,", ",nan,"),
        ("date,study", "a,b"),
        ('"{""baseline""', '"{baseline'),
        (",by hand,", ","),
    ],
)
def test_a_wrong_file_is_told(tmp_path, right, wrong):
    path = tmp_path / "looks.csv"
    path.write_text(looks_csv(looks_at(5)).replace(right, wrong), encoding="utf-8")
    with pytest.raises(ValueError, match=r"looks\.csv: not a table of looks: "):
        read_looks(path)


def test_the_caption_says_at_which_error_a_table_stands():
    assert look_notes(()) == look_notes(looks_at(5)) == []
    (by_hand,) = look_notes(looks_at(5, 8))
    assert "level of 2.5 %" in by_hand
    assert "a chance of 7.5 % at most; 5 % would have needed" in by_hand
    (declared,) = look_notes([adaptive(), adaptive(0.0109)])
    assert "level of 1.09 %" in declared
    assert declared.endswith("so that a wrong verdict at any look has a chance of 5 % at most.")


@pytest.fixture
def plain(monkeypatch):
    """Without pictures and page: looks are about the numbers."""
    monkeypatch.setattr(build, "draw_images", lambda *_: [])
    monkeypatch.setattr(build, "draw_numbers", lambda *_: None)
    monkeypatch.setattr(build, "write_page", lambda *_: "")


def test_the_report_writes_looks_and_judges_at_their_level(tmp_path, plain):
    arms = {"baseline": {}, "wide": {"g_width": 64}}
    root, results = tmp_path / "trials", tmp_path / "results"
    folder = results / "mnist_ablation" / "cpu"
    three, five = (make_plan(arms, replicates=n, metrics=("fid",)) for n in (3, 5))

    looks = results / "looks.csv"

    def report(plan, skip=0):
        for index, trial in enumerate(plan.trials[: len(plan.trials) - skip]):
            fid = (30.0 if trial.arm == "wide" else 20.0) + 0.1 * (index % 3)
            write_trial(root, trial, numbers={"fid": fid})
        build.build_report(plan, trials_root=root, results_root=results)
        files = {path.name: path for path in (looks, folder / "table.csv", folder / "table.md")}
        return {name: path.read_bytes() for name, path in files.items() if path.exists()}

    assert "looks.csv" not in report(three, skip=1)
    first = report(three)
    (look,) = read_looks(looks).looks
    assert (look.kind, look.decided) == ("by hand", ("wide",))
    half = report(five, skip=1)
    assert half["looks.csv"] == first["looks.csv"]
    second = report(five)
    assert second["looks.csv"].startswith(first["looks.csv"])
    assert level_of(read_looks(looks).looks) == 0.025
    table = pd.read_csv(folder / "table.csv")
    assert table.loc[1, "effect_level"] == 0.975
    assert "a chance of 7.5 % at most" in (folder / "table.md").read_text(encoding="utf-8")
    assert report(five) == second
    # Without the trials' folders there are the files alone.
    build.build_report(five, trials_root=tmp_path / "none" / "trials", results_root=results)
    names = ("table.csv", "table.md")
    assert {name: (folder / name).read_bytes() for name in names} == {n: second[n] for n in names}
    assert looks.read_bytes() == second["looks.csv"]
