"""`publish`, and every way in which something else could change a published byte."""

import csv
import io
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import ganablate
from ganablate.project import publish as publishing
from ganablate.project.folders import HERE
from ganablate.project.output import Output
from ganablate.project.reports import write_claims_page
from ganablate.project.until_decided import run_until_decided
from ganablate.report import build
from ganablate.report.frames.look_file import read_looks
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.trials.folder import TrialFolder
from tests.support.command import invoke
from tests.support.synthetic_study import curves_of, numbers_of, write_references, write_trial

ROOT = Path(__file__).resolve().parents[2]
STUDY = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, latent_dim: 8, iterations: 450, batch_size: 64}
ablate: {latent_dim: [4, 16]}
replicates: 3
primary: fid
metrics: [d_loss, g_loss, d_accuracy, fid, modes]
claims:
  - {id: R9.1, says: small is worse, compare: {arm: latent_dim=4, is: worse}}
budgets: {smoke: {train_images: 256}}
"""
SHARING = STUDY.replace("study: tiny", "study: sharing").replace("[4, 16]", "[4, 32]")
STUDIES = ("studies/tiny.yaml", "studies/sharing.yaml")


def plan_of(path: str, replicates: int = 3) -> Plan:
    return expand(load_study(Path(path)), replicates=replicates)


def train(path: str, *, machine: int, replicates: int = 3) -> None:
    """Write the folders of a study's trials as a machine would that computes other digits."""
    plan = plan_of(path, replicates)
    for trial in plan.trials:
        if (Path("runs/trials") / trial.trial_id).exists():
            continue
        random = np.random.default_rng([machine, int(trial.trial_id[:8], 16)])
        numbers = numbers_of(random)
        trained_by = {"study": plan.study, "budget": "full"}
        write_trial(
            Path("runs/trials"), trial, numbers=numbers,
            facts={"trained_by": trained_by, "finished_ms": machine},
            losses=curves_of(random, steps=450),
            samples=random.integers(0, 256, (12, 28, 28, 1), dtype=np.uint8),
        )  # fmt: skip
    write_references(Path("runs/trials"), "fid", {"fid": (1.4875, 131.1288)})


def bytes_under(folder: str | Path) -> dict[str, bytes]:
    """Every file that is committed; the page is not."""
    found = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in found if path.name != "report.html"}


def draw_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and page take most of the time of a report."""
    monkeypatch.setattr(build, "draw_images", lambda *_: [])
    monkeypatch.setattr(build, "draw_numbers", lambda *_: None)
    monkeypatch.setattr(build, "write_page", lambda *_: "")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two studies were trained and published on one machine, one with pictures."""
    folder = tmp_path_factory.mktemp("project")
    before = Path.cwd()
    os.chdir(folder)
    try:
        Path("studies").mkdir()
        Path("studies/tiny.yaml").write_text(STUDY)
        Path("studies/sharing.yaml").write_text(SHARING)
        for study in STUDIES:
            train(study, machine=1)
        for study in STUDIES:
            with pytest.MonkeyPatch.context() as patch:
                if study != STUDIES[0]:
                    draw_nothing(patch)
                code, _, err = invoke("publish", study)
            assert code == 0, err
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which a test may change."""
    monkeypatch.chdir(shutil.copytree(template, tmp_path / "project"))
    return Path.cwd()


@pytest.fixture
def clone(project: Path) -> Path:
    """The same on another machine: the published record, and trials with other digits."""
    shutil.rmtree("runs")
    for study in STUDIES:
        shutil.rmtree(f"results/{Path(study).stem}")
    Path("results/looks.csv").unlink()
    return project


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_nothing(monkeypatch)


# What is published


def test_a_record_is_copied_whole_and_rebuilt_to_the_byte(project: Path) -> None:
    local, published = Path("results/tiny/full"), Path("results/published/tiny/full")
    names = {path.relative_to(published).as_posix() for path in published.rglob("*.*")}
    assert names == {
        "trials.csv", "curves.csv", "table.csv", "table.md", "table.tex", "claims.csv",
        "looks.csv", "provenance.json", "references.csv", "report.html", "figures/samples.png",
        "figures/forest.png", "figures/loss_pairs.png", "figures/losses.png",
        "figures/primary.png",
    }  # fmt: skip
    for name in names - {"report.html", "looks.csv", "provenance.json"}:
        assert (local / name).read_bytes() == (published / name).read_bytes(), name
    assert "R9.1" in Path("results/published/CLAIMS.md").read_text()
    table = (published / "table.md").read_text()
    assert table.index("| latent_dim=16 ") < table.index("| other real images ")
    assert "| ten images repeated |        131.1 |" in table
    before = bytes_under("results/published")
    shutil.rmtree("runs")
    shutil.rmtree("results/tiny")
    code, out, err = invoke("report", "studies/tiny.yaml", "--published")
    assert (code, err) == (0, "")
    assert "tiny at the budget full: results/published/tiny/full/" in out
    assert bytes_under("results/published") == before
    for name in ("table.csv", "table.md", "table.tex", "claims.csv", "figures/forest.png"):
        (published / name).unlink()
    Path("results/published/CLAIMS.md").unlink()
    assert invoke("report", "studies/tiny.yaml", "--published")[0] == 0
    assert bytes_under("results/published") == before


def test_a_study_of_another_plugin_is_left_out_of_the_page_of_claims_and_not_called_wrong(
    clone: Path,
) -> None:
    """It names settings and columns that nobody knows without its plug-in, and one study is wrong.

    The line for those of plug-ins is one, and no warning.
    """
    for name in ("residual", "diffaugment"):
        shutil.copy(ROOT / "examples" / f"{name}.yaml", "studies")
    Path("studies/wrong.yaml").write_text(STUDY.replace("primary: fid", "primary: fidd"))
    printed = io.StringIO()
    output = Output(Console(file=printed, width=200))
    write_claims_page(HERE, output, published=True)
    assert output.warnings == ["studies/wrong.yaml has mistakes: not in the page of claims"]
    assert output.errors == []
    assert printed.getvalue().splitlines() == [
        "not in the page of claims without their plug-ins: diffaugment.yaml, residual.yaml",
        "claims of all studies: results/published/CLAIMS.md",
    ]
    assert "R9.1" in Path("results/published/CLAIMS.md").read_text()


def test_last_digits_that_depend_on_the_processor_leave_the_file(
    clone: Path, undrawn: None
) -> None:
    """Another processor gives other last digits; a number that differs is written."""
    path = Path("results/published/tiny/full/table.csv")
    text = path.read_text()
    cell = next(cell for cell in text.split(",") if cell.count(".") == 1 and len(cell) > 14)
    near = text.replace(cell, repr(float(cell) * (1 + 1e-13)))
    assert near != text
    path.write_text(near)
    assert invoke("report", "--published")[0] == 0
    assert path.read_text() == near
    path.write_text(text.replace(cell, repr(float(cell) * 1.001)))
    assert invoke("report", "--published")[0] == 0
    assert path.read_text() == text


def test_a_published_record_of_a_study_that_changed_stays_and_is_told(
    clone: Path, undrawn: None
) -> None:
    before = bytes_under("results/published/tiny")
    Path("studies/tiny.yaml").write_text(STUDY.replace("[4, 16]", "[4, 64]"))
    code, _, err = invoke("report", "studies/tiny.yaml", "--published")
    assert code == 0
    assert "its trials or columns are not those that the study has now" in " ".join(err.split())
    assert bytes_under("results/published/tiny") == before


def test_looks_travel_with_the_record_and_none_is_lost(project: Path, undrawn: None) -> None:
    """Of the file that local studies share: the rows at its trials, in a chain of their own."""
    published = Path("results/published/tiny/full")
    shared, own = (read_looks(folder / "looks.csv") for folder in (Path("results"), published))
    assert [look.study for look in shared.looks] == ["tiny", "sharing"]
    assert (own.looks, own.breaks) == (shared.looks[:1], ())
    assert json.loads((published / "provenance.json").read_text())["looks"]["last"] == own.hashes[0]
    for old, new in (
        ("primary: fid", "primary: modes"),
        ("replicates: 3", "replicates: 3\nseed: 4"),
    ):
        Path("studies/tiny.yaml").write_text(STUDY.replace(old, new))
        train("studies/tiny.yaml", machine=1)
        assert invoke("publish", "studies/tiny.yaml", "--replace")[0] == 0
        # The local rows are lost: those that are published stay.
        Path("results/looks.csv").unlink()
        shutil.rmtree("results/tiny")
    looks = read_looks(published / "looks.csv")
    names = [(look.study, look.asked["seed"]) for look in looks.looks]
    assert names == [("tiny", 0), ("sharing", 0), ("tiny", 0), ("tiny", 4)]
    assert looks.breaks == ()
    notes = " ".join((published / "table.md").read_text().split())
    assert "trainings were seen (3 reports with seed 0, first on " in notes
    before = bytes_under("results/published")
    assert invoke("report", "studies/tiny.yaml", "--published")[0] == 0
    assert bytes_under("results/published") == before


def test_a_gap_in_the_local_looks_is_published_with_them(project: Path, undrawn: None) -> None:
    path = Path("results/looks.csv")
    path.write_text(path.read_text().replace(",0.05,", ",0.04,", 1))
    for _ in range(2):
        assert invoke("publish", "studies/tiny.yaml")[0] == 0
        notes = " ".join(Path("results/published/tiny/full/table.md").read_text().split())
        assert "Looks were edited: a row before the first of looks.csv" in notes


def test_a_published_number_that_is_edited_is_told(project: Path, undrawn: None) -> None:
    path = Path("results/published/tiny/full/trials.csv")
    text = path.read_text()
    number = next(csv.DictReader(text.splitlines()))["fid"]
    path.write_text(text.replace(number, "1.5", 1))
    for command in ("report", "studies/tiny.yaml"), ("show", "baseline", "studies/tiny.yaml"):
        code, _, err = invoke(*command, "--published")
        assert code == 0
        assert "Numbers were edited: trials.csv changed since it was written" in " ".join(
            err.split()
        )
    assert "Numbers were edited: " in (path.parent / "table.md").read_text()
    path.write_text(text)
    assert invoke("report", "studies/tiny.yaml", "--published")[2] == ""
    assert "edited" not in (path.parent / "table.md").read_text()


def test_a_published_question_that_is_changed_is_told(clone: Path, undrawn: None) -> None:
    Path("studies/tiny.yaml").write_text(STUDY.replace("is: worse}", "is: worse, by: 1.1x}"))
    assert invoke("report", "studies/tiny.yaml", "--published")[0] == 0
    notes = " ".join(Path("results/published/tiny/full/table.md").read_text().split())
    assert "the margin of R9.1 was not stated, now 1.1x" in notes


def test_the_command_preregisters_and_refuses_what_was_seen(clone: Path, undrawn: None) -> None:
    code, out, err = invoke("preregister", "studies/tiny.yaml")
    assert (code, err) == (0, "")
    assert "tiny at the budget full: preregistered: sha256 " in out
    code, out, _ = invoke("preregister", "studies/tiny.yaml")
    assert (code, "preregistered already, on " in out) == (0, True)
    train("studies/tiny.yaml", machine=2)
    assert invoke("publish", "studies/tiny.yaml", "--replace")[0] == 0
    notes = " ".join(Path("results/published/tiny/full/table.md").read_text().split())
    assert "before results were seen (sha256 " in notes
    code, _, err = invoke("preregister", "studies/tiny.yaml")
    assert (code, "study tiny at the budget full: its results were seen on " in err) == (2, True)


# What is refused


def poorer(old: str, new: str, replicates: int = 3) -> Callable[[], None]:
    def spoil() -> None:
        Path("studies/tiny.yaml").write_text(STUDY.replace(old, new))
        train("studies/tiny.yaml", machine=2, replicates=replicates)

    return spoil


def incomplete() -> None:
    train("studies/tiny.yaml", machine=2)
    shutil.rmtree(Path("runs/trials") / plan_of("studies/tiny.yaml").trials[-1].trial_id)


def without_lines() -> None:
    train("studies/tiny.yaml", machine=2)
    shutil.rmtree("runs/references")


def failed() -> None:
    train("studies/tiny.yaml", machine=2)
    trial = plan_of("studies/tiny.yaml").trials[0]
    shutil.rmtree(Path("runs/trials") / trial.trial_id)
    folder = TrialFolder(Path("runs/trials"), trial.trial_id)
    folder.open(trial)
    folder.write_failure(1, "out of memory", "...")


POORER = {
    "fewer replicates": (
        poorer("replicates: 3", "replicates: 2", 2), "has 2 trials of baseline, results/published",
    ),
    "an arm less": (poorer("[4, 16]", "[4]"), "has 0 trials of latent_dim=16"),
    "a metric less": (
        poorer(", modes]", "]"), "lacks numbers that results/published/tiny/full/ has: modes",
    ),
    "a picture less": (poorer("", ""), "lacks pictures that"),  # nothing is drawn here
    "no reference lines": (
        without_lines, "lacks reference lines that results/published/tiny/full/ has: fid",
    ),
    "a trial less": (incomplete, "is not complete: of 9 trials, 1 pending"),
    "a failed trial": (failed, "is not complete: of 9 trials, 1 failed"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), POORER.values(), ids=POORER)
def test_a_poorer_record_is_refused_unless_one_insists(
    clone: Path, undrawn: None, spoil: Callable[[], None], said: str
) -> None:
    before = bytes_under("results/published")
    spoil()
    code, _, err = invoke("publish", "studies/tiny.yaml")
    assert code == 2
    assert said in " ".join(err.split())
    assert "--replace publishes it as it is" in err
    assert bytes_under("results/published") == before
    assert invoke("publish", "studies/tiny.yaml", "--replace")[0] == 0
    after = bytes_under("results/published")
    assert after != before
    assert invoke("report", "studies/tiny.yaml", "--published")[0] == 0
    assert bytes_under("results/published") == after


def test_one_refused_study_keeps_all_from_being_published(clone: Path, undrawn: None) -> None:
    train("studies/sharing.yaml", machine=2)
    incomplete()
    before = bytes_under("results/published")
    code, _, err = invoke("publish", *STUDIES[::-1])
    assert code == 2
    assert "nothing was published" in err
    assert bytes_under("results/published") == before


def test_nothing_to_publish_is_a_line(clone: Path) -> None:
    code, _, err = invoke("publish", "studies/tiny.yaml")
    assert code == 2
    said = "results/tiny/full/: no record to publish yet: ganablate run studies/tiny.yaml\n"
    assert err == said


def test_no_study_can_be_called_as_the_folder_of_records(project: Path) -> None:
    Path("studies/bad.yaml").write_text(STUDY.replace("study: tiny", "study: published"))
    code, _, err = invoke("validate", "studies/bad.yaml")
    assert code == 2
    assert err.startswith('studies/bad.yaml:1: study: "published" is not allowed')


@pytest.mark.parametrize("at", ["before", "between"])
def test_a_publishing_that_is_killed_loses_no_record(
    clone: Path, undrawn: None, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    train("studies/tiny.yaml", machine=2)
    published = Path("results/published/tiny/full")
    before = bytes_under(published)
    rename, calls = Path.rename, []

    def killed(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == (1 if at == "before" else 2):
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Path, "rename", killed)
        invoke("publish", "studies/tiny.yaml", "--replace")
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert published.exists() is (at == "before")
    publishing._recover(published, ".tiny.full.")
    assert bytes_under(published) == before
    assert [path.name for path in published.parent.iterdir()] == ["full"]
    assert invoke("publish", "studies/tiny.yaml", "--replace")[0] == 0
    assert bytes_under(published) != before


# What leaves it alone


def look(_: Path) -> None:
    """Replicates until decided: looks are written."""
    study = load_study(Path("studies/tiny.yaml"))

    def sweep(plan: Plan) -> bool:
        train("studies/tiny.yaml", machine=2, replicates=max(t.replicate for t in plan.trials) + 1)
        return True

    run_until_decided(HERE, study, None, 4, sweep=sweep, say=lambda _: None)
    assert Path("results/looks.csv").exists()


def from_python(folder: Path) -> None:
    study = ganablate.load_study("studies/tiny.yaml")
    ganablate.results(study, folder=folder)
    ganablate.table(study, folder=folder)
    assert len(ganablate.effects(study, folder=folder)) == 2


def command(*arguments: str) -> Callable[[Path], None]:
    def call(_: Path) -> None:
        code, _, err = invoke(*arguments)
        assert code == 0, err

    return call


def other_trials_join(_: Path) -> None:
    """Half of the local trials are pruned after a report, and that is made again."""
    assert invoke("report", "studies/tiny.yaml")[0] == 0
    for trial in plan_of("studies/tiny.yaml").trials[::2]:
        shutil.rmtree(Path("runs/trials") / trial.trial_id)
    assert invoke("report", "studies/tiny.yaml")[0] == 0


def more_replicates(_: Path) -> None:
    """A second look by hand."""
    assert invoke("report", "studies/tiny.yaml")[0] == 0
    Path("studies/tiny.yaml").write_text(STUDY.replace("replicates: 3", "replicates: 4"))
    train("studies/tiny.yaml", machine=3, replicates=4)
    assert invoke("report", "studies/tiny.yaml")[0] == 0


WAYS: dict[str, Callable[[Path], None]] = {
    "report": command("report", "studies/tiny.yaml"),
    "report of all": command("report"),
    "report of another study that shares trials": command("report", "studies/sharing.yaml"),
    "report at another budget": command("report", "studies/tiny.yaml", "--budget", "smoke"),
    "report --published": command("report", "--published"),
    "show": command("show", "latent_dim=4", "studies/tiny.yaml"),
    "show --published": command("show", "latent_dim=4", "studies/tiny.yaml", "--published"),
    "compare --save": command(
        "compare", "baseline", "latent_dim=4", "studies/tiny.yaml", "--save", "pair.png"
    ),
    "status": command("status", "studies/tiny.yaml"),
    "prune": command("prune", *STUDIES, "--keep", "none", "--unnamed"),
    "looks": look,
    "Python": from_python,
    "pruned trials": other_trials_join,
    "more replicates": more_replicates,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_nothing_else_changes_a_published_byte(
    clone: Path, undrawn: None, way: Callable[[Path], None]
) -> None:
    train("studies/tiny.yaml", machine=2)  # of sharing some trials are here too
    before = bytes_under("results/published")
    way(clone)
    assert bytes_under("results/published") == before


def test_a_local_report_has_no_published_number(clone: Path, undrawn: None) -> None:
    """One local trial: the others are pending, though the published record has them."""
    train("studies/tiny.yaml", machine=2)
    for trial in plan_of("studies/tiny.yaml").trials[1:]:
        shutil.rmtree(Path("runs/trials") / trial.trial_id)
    assert invoke("report", "studies/tiny.yaml")[0] == 0
    rows = Path("results/tiny/full/trials.csv").read_text().splitlines()[1:]
    assert [row.split(",")[3] for row in rows] == ["complete", *["pending"] * 8]
    curves = Path("results/tiny/full/curves.csv").read_text()
    assert {line.partition(",")[0] for line in curves.splitlines()[1:]} == {rows[0].split(",")[0]}


def test_a_study_that_nobody_ran_has_no_local_report(clone: Path, undrawn: None) -> None:
    """Though it shares trials with one that was run; named, it has."""
    train("studies/tiny.yaml", machine=2)
    code, out, _ = invoke("report")
    assert code == 0
    assert "tiny at the budget full: 9 of 9 trials complete: results/tiny/full/" in out
    assert not Path("results/sharing").exists()
    assert invoke("report", "studies/sharing.yaml", "--budget", "full")[0] == 0
    assert Path("results/sharing/full/table.md").exists()


def test_where_nothing_is_here_show_names_the_published_record(clone: Path, undrawn: None) -> None:
    code, out, err = invoke("show", "latent_dim=4", "studies/tiny.yaml")
    assert code == 0
    assert "0 of 3 trials complete" in out
    assert "results/published/tiny/full/ has a published record: --published shows it" in err
    code, out, err = invoke("show", "latent_dim=4", "studies/tiny.yaml", "--published")
    assert (code, err) == (0, "")
    assert "3 of 3 trials complete" in out
    assert "results/published/tiny/full/report.html" in out


def test_the_processor_stands_in_the_provenance(project: Path, undrawn: None) -> None:
    trial = plan_of("studies/tiny.yaml").trials[0]
    folder = TrialFolder(Path("runs/trials"), trial.trial_id)
    folder.begin_attempt({"processor": "some kind, AVX2"})
    assert invoke("report", "studies/tiny.yaml")[0] == 0
    facts = json.loads(Path("results/tiny/full/provenance.json").read_text())
    assert facts["seen"]["processor"] == ["some kind, AVX2"]
