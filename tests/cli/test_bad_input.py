"""Wrong input on the real command line: exit code 2, a line that says where and what instead.

Nothing is created, and there is no traceback. The table is of what a person, a script or a
malicious file may hand over; mistakes in a study's content are in
`tests/study/reading/test_wrong_studies.py`, whose table has each once.
"""

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from ganablate.cli import app
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.trials.folder import TrialFolder
from tests.support.command import everything_under

BASE = "base: {dataset: mnist_5k, network: mlp, epochs: 1}\n"
REST = "primary: fid\nmetrics: [fid]\n"
HEAD = "study: x\n" + BASE + REST  # lines 1 to 4
GOOD = HEAD + "ablate: {latent_dim: [4, 16]}\nbudgets: {smoke: {train_images: 256}}\n"


def grid(factors: int, levels: int) -> str:
    """A full factorial of levels ** factors cells; its `cross` is on line 5."""
    names = ["g_lr", "d_lr", "g_beta1", "d_beta1", "g_beta2", "d_beta2"][:factors]
    rows = [f"  {name}: {[round(0.001 * (i + 1), 6) for i in range(levels)]}" for name in names]
    return HEAD + "cross:\n" + "\n".join(rows) + "\n"


def base(settings: str) -> str:
    return f"study: x\nbase: {{dataset: mnist_5k, network: mlp, {settings}}}\n{REST}"


def named(name: str) -> str:
    return HEAD.replace("study: x", f"study: {name}")


BOMB = "a: &a [x, x]\n" + "".join(
    f"b{i}: &b{i} [{', '.join([f'*b{i - 1}' if i else '*a'] * 9)}]\n" for i in range(20)
)

# name: (the study file, the place of the message behind "studies/", words of the message)
STUDIES: dict[str, tuple[str | bytes, str, tuple[str, ...]]] = {
    # what is no study at all
    "empty": ("", "x.yaml:1", ("the file is empty", "a mapping")),
    "a byte order mark alone": (b"\xef\xbb\xbf", "x.yaml:1", ("the file is empty",)),
    "UTF-16": ("study: x".encode("utf-16"), "x.yaml:1", ("not UTF-8", "save it as UTF-8")),
    "not UTF-8": (HEAD.encode() + b"asks: caf\xe9\n", "x.yaml:5", ("0xe9", "save it as UTF-8")),
    "a binary file": (b"\x89PNG\r\n\x1a\n" + bytes(200), "x.yaml:1", ("not UTF-8",)),
    "NUL in the text": (HEAD + "asks: a\0b\n", "x.yaml:5", ("not valid YAML",)),
    "one word": ("study\n", "x.yaml:1", ('"study" is given', "a mapping")),
    "a tab": ("study: x\nbase:\n\tdataset: mnist_5k\n", "x.yaml:3", ("a tab", "spaces")),
    "unclosed": (HEAD + "ablate: {lr: [1\n", "x.yaml:6", ("not valid YAML",)),
    "megabytes": (HEAD + "#" * 1_000_000, "x.yaml", ("1,000,0", "at most 1,000,000")),
    # what hides in YAML
    "a bomb of aliases": (BOMB, "x.yaml:1", ("anchor &a", "not allowed")),
    "deep nesting": (HEAD + "ablate: " + "[" * 50_000, "x.yaml:5", ("nested too deeply",)),
    "deep keys": (HEAD + "? " * 50_000 + "\n", "x.yaml:5", ("nested too deeply",)),
    "a tag": (HEAD + "asks: !!python/object/apply:os.system [ls]\n", "x.yaml:5", ("tag", "plain")),
    "a list for a key": (HEAD + "? [a, b]\n: 1\n", "x.yaml:5", ("a key is text",)),
    # numbers
    "1e999": (base("epochs: 1, lr: 1e999"), "x.yaml:2", ("not a finite number",)),
    "a thousand digits": (base(f"epochs: {'9' * 1000}"), "x.yaml:2", ("not a finite number",)),
    "a negative rate": (base("epochs: 1, lr: -1e-4"), "x.yaml:2", ("above 0",)),
    "a list for a number": (base("epochs: [1]"), "x.yaml:2", ("a list is given",)),
    "a mapping for text": (HEAD + "asks: {a: b}\n", "x.yaml:5", ("a mapping", "text is needed")),
    "text for a mapping": (HEAD + "arms: big\n", "x.yaml:5", ('"big"', "a mapping")),
    # sizes that no memory holds
    "latent of 10^9": (base("epochs: 1, latent_dim: 1000000000"), "x.yaml:2", ("from 1 to 65536",)),
    "width of 10^9": (base("epochs: 1, g_width: 1000000000"), "x.yaml:2", ("to 8192 is",)),
    "batch of 10^9": (base("epochs: 1, batch_size: 1000000000"), "x.yaml:2", ("to 65536 is",)),
    "image of 10^6": (base("epochs: 1, image_size: 1000000"), "x.yaml:2", ("to 1024 is",)),
    "epochs of 10^12": (base("epochs: 1000000000000"), "x.yaml:2", ("to 1000000 is",)),
    "iterations of 10^12": (base("iterations: 1e12"), "x.yaml:2", ("to 10000000 is",)),
    "epochs of many batches": (base("epochs: 900000, batch_size: 2"),
        "x.yaml:2", ("2,250,000,000 iterations", "at most 10,000,000")),
    "a batch of large images": (base("epochs: 1, batch_size: 4000, image_size: 1024"),
        "x.yaml:2", ("4,194,304,000 pixels", "at most 268,435,456")),
    "replicates of 10^9": (HEAD + "replicates: 1000000000\n", "x.yaml:5", ("at most 1000",)),
    "a grid of 10^12": (grid(4, 1000),
        "x.yaml:5", ("1,000,000,000,001 arms", "at most 200,000", "fewer levels")),
    "a grid at a budget": (
        HEAD + "cross: {lr: [1], batch_size: [2]}\nbudgets:\n  b:\n"
        f"    cross.lr: {list(range(1, 1000))}\n    cross.batch_size: {list(range(2, 1000))}\n",
        "x.yaml:7",
        ("at the budget b: 997,003 arms", "at most 200,000"),
    ),
    "budgets without end": (
        f"{HEAD}cross: {{lr: {list(range(1, 301))}, batch_size: {list(range(2, 302))}}}\n"
        + "budgets:\n" + "".join(f"  b{i}: {{epochs: {i + 2}}}\n" for i in range(300)),
        "x.yaml:6",
        ("arms at all its budgets", "at most 400,000"),
    ),
    "excludes without end": (
        f"{HEAD}cross: {{lr: {list(range(1, 301))}, batch_size: {list(range(2, 302))}}}\n"
        + "exclude:\n" + "".join(f"  - {{lr: {i}, because: b}}\n" for i in range(1, 200)),
        "x.yaml:6",
        ("199 entries for 90,001 arms", "fewer entries"),
    ),
    "thousands of wrong levels": (HEAD + f"ablate: {{lr: [{', '.join(['x'] * 20_000)}]}}\n",
        "x.yaml:5", ('"x" is given; a number is needed',)),
    # names
    "unknown network": (named("x").replace("mlp", "dcgann"),
        "x.yaml:2", ("did you mean dcgan? Allowed: dcgan",)),
    "unknown data set": (HEAD.replace("mnist_5k", "mnist5k"),
        "x.yaml:2", ("did you mean mnist_5k? Allowed: mnist_5k",)),
    "a study called ../x": (named("../x"), "x.yaml:1", ('"../x" is not allowed', "letters")),
    "a study called /tmp/x": (named("/tmp/x"), "x.yaml:1", ('"/tmp/x" is not allowed',)),
    "a study with NUL": (named(r'"a\0b"'), "x.yaml:1", ("is not allowed",)),
    "a study with an escape": (named(r'"a\e[31mb"'), "x.yaml:1", ("is not allowed",)),
    "a study of 300 letters": (named("a" * 300), "x.yaml:1", ("at most 64 long",)),
    "a study called CON": (named("con"), "x.yaml:1", ("Windows keeps this name",)),
    "a study of HTML": (named('"<script>alert(1)</script>"'), "x.yaml:1", ("is not allowed",)),
    "a study without a name": (named('""'), "x.yaml:1", ('"" is not allowed',)),
    "an arm called ../../x": (HEAD + "arms: {../../x: {lr: 1}}\n", "x.yaml:5", ("not allowed",)),
    "an arm of HTML": (HEAD + "arms: {<b>: {lr: 1}}\n", "x.yaml:5", ('"<b>" is not allowed',)),
    "a budget called ..": (HEAD + "budgets: {..: {lr: 1}}\n", "x.yaml:5", ('".." is not allowed',)),
    "a budget ending in a dot": (HEAD + "budgets: {a.: {lr: 1}}\n", "x.yaml:5", ("with a dot",)),
    "a budget called lpt1.txt": (HEAD + "budgets: {lpt1.txt: {lr: 1}}\n", "x.yaml:5", ("Windows",)),
    "budgets but for case": (HEAD + "budgets:\n  small: {lr: 1}\n  Small: {lr: 2}\n",
        "x.yaml:7", ("Small differs from small by its case only",)),
    "arms but for case": (HEAD + "arms: {a: {lr: 1}, A: {lr: 2}}\n",
        "x.yaml:5", ("A differs from a by its case only",)),
    "a folder called ../x": (HEAD + "folders: {../x: {data_id: a, channels: 1, images: 9}}\n",
        "x.yaml:5", ('"../x" is not allowed',)),
    "a folder not declared": (HEAD.replace("mnist_5k", '"folder:../../etc"'),
        "x.yaml:2", ("is not a data set", "declare ../../etc under `folders`")),
    "an extractor's path": (HEAD + "extractor: ../../weights.pt\n",
        "x.yaml:5", ("is not an extractor",)),
    # what does not go together
    "a data set of one image": (HEAD + "folders: {f: {data_id: a, channels: 1, images: 1}}\n",
        "x.yaml:5", ("1 is given; at least 2",)),
    "a budget that empties the data": (HEAD + "budgets:\n  tiny: {train_images: 0}\n",
        "x.yaml:6", ("0 is not allowed", "at least 1")),
    "a budget below the batch": (HEAD + "budgets:\n  tiny: {train_images: 64}\n",
        "x.yaml:6", ("batch_size 128 is larger than train_images 64",)),
    "a claim about no column": (
        HEAD + "claims:\n  - {id: a, says: b, none_stated: {arm: baseline, metric: kid}}\n",
        "x.yaml:6",
        ("add kid to `metrics`",),
    ),
    "a probe that an arm cannot have": (HEAD + "probes: [filters]\n",
        "x.yaml:5", ("filters needs convolutions", "mlp has none", "another network")),
    "a metric of other classes": (HEAD.replace("[fid]", "[fid, modes]") + "extractor: inception\n",
        "x.yaml:4", ("modes counts the data set's own classes",)),
    "an arm beside itself": (
        HEAD + "arms:\n" + "".join(f"  a{i}: {{lr: {i + 1}, compare_to: a{(i + 1) % 900}}}\n"
                                   for i in range(900)),
        "x.yaml:6",
        ("never reaches the baseline",),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """`seconds` of the processor."""

    code: int
    out: str
    err: str
    error: BaseException | None
    seconds: float


def ask(*arguments: str) -> Answer:
    began = time.process_time()
    result = CliRunner().invoke(app, list(arguments))
    ended = None if isinstance(result.exception, SystemExit) else result.exception
    seconds = time.process_time() - began
    return Answer(result.exit_code, result.stdout, result.stderr, ended, seconds)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "studies").mkdir()
    return tmp_path


def refused(project: Path, *arguments: str) -> Answer:
    """What the command answers; it is a refusal that changes nothing."""
    before = everything_under(project)
    answer = ask(*arguments)
    assert answer.error is None, repr(answer.error)
    assert answer.code == 2, (answer.out, answer.err)
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert everything_under(project) == before
    assert answer.seconds < 10
    assert len(answer.err) < 20_000
    assert all(letter.isprintable() or letter == "\n" for letter in answer.err)
    return answer


@pytest.mark.parametrize("name", STUDIES)
def test_a_wrong_study_is_refused_at_its_line(name: str, project: Path) -> None:
    text, place, words = STUDIES[name]
    path = project / "studies" / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    answer = refused(project, "run", "studies/x.yaml", "--yes")
    at = [line for line in answer.err.splitlines() if line.startswith(f"studies/{place}: ")]
    assert any(all(word in line for word in words) for line in at), answer.err


def fifo(path: Path) -> None:
    os.mkfifo(path)


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "there is no such file"),
    "a folder": (Path.mkdir, "is a folder"),
    "a pipe": (fifo, "is a pipe or a device"),
    "endless zeros": (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
    "a link to itself": (lambda path: path.symlink_to(path), "cannot be read"),
    "a link to nowhere": (lambda path: path.symlink_to("gone.yaml"), "there is no such file"),
    "a file of gigabytes": (
        lambda path: (path.touch(), os.truncate(path, 5_000_000_000)),
        "5,000,000,000 bytes long; at most 1,000,000",
    ),
}


@pytest.mark.parametrize("option", ["", "--sweep"])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_readable_file_is_refused(name: str, option: str, project: Path) -> None:
    make, words = FILES[name]
    (project / "studies" / "good.yaml").write_text(GOOD)
    make(project / "studies" / "x.yaml")
    first = ["studies/good.yaml", option] if option else []
    answer = refused(project, "run", *first, "studies/x.yaml")
    assert answer.err.startswith("studies/x.yaml: ")
    assert words in answer.err


def test_a_file_that_may_not_be_read_is_refused(project: Path) -> None:
    path = project / "studies" / "x.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    assert ask("validate", "studies/none.yaml").code == 2  # all is imported
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # nothing is forbidden to root
    try:
        answer = ask("validate", "studies/x.yaml")
    finally:
        os.seteuid(user)
    assert (answer.code, answer.error) == (2, None)
    assert answer.err == "studies/x.yaml: cannot be read: Permission denied\n"


@pytest.mark.parametrize("path", ["a\x1b[31mb\u202e", "x" * 300, "/" + "y/" * 3000])
def test_a_path_that_no_file_has_is_refused(path: str, project: Path) -> None:
    """Its name is printed without what could steer a terminal: see `refused`."""
    err = refused(project, "validate", path).err
    assert "there is no such file" in err or "File name too long" in err


SWEEPS = {
    "unknown key": ("thread: 2\n", 1, ("did you mean threads",)),
    "no threads": ("threads: 0\n", 1, ("threads: 0 is given", "greater than or equal to 1")),
    "threads of 10^9": ("threads: 1000000000\n", 1, ("less than or equal to 1024",)),
    "NaN seconds": ("checkpoint_seconds: .nan\n", 1, ("not a finite number",)),
    "unknown device": ("threads: 1\ndevice: gpu\n", 2, ('"gpu" is given', "'cuda'")),
    "a study": (GOOD, 1, ('"study"',)),
    "a list": ("- threads\n", 1, ("a list is given",)),
    "wrong retries": ("retries: -1\n", 1, ("retries: -1 is given",)),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_wrong_sweep_file_is_refused_at_its_line(name: str, project: Path) -> None:
    text, line, words = SWEEPS[name]
    (project / "studies" / "x.yaml").write_text(GOOD)
    (project / "s.yaml").write_text(text)
    answer = refused(project, "run", "studies/x.yaml", "--sweep", "s.yaml")
    at = [one for one in answer.err.splitlines() if one.startswith(f"s.yaml:{line}: ")]
    assert any(all(word in one for word in words) for one in at), answer.err


OPTIONS = {
    "unknown budget": (["--budget", "smok"], ("--budget", "did you mean smoke?")),
    "an empty budget": (["--budget", ""], ("--budget", "allowed: full, smoke")),
    "unknown arm": (["--arm", "latent_dim=5"], ("--arm", "latent_dim=4")),
    "no replicates": (["--replicates", "0"], ("--replicates", "greater than or equal to 1")),
    "replicates of 10^9": (
        ["--replicates", "1000000000"],
        ("--replicates", "less than or equal to 1000"),
    ),
    "half a replicate": (["--replicates", "1.5"], ("--replicates", "valid integer")),
    "unknown option": (["--bugdet", "smoke"], ("--bugdet",)),
    "a file as data root": (["--data-root", "studies/x.yaml"], ("--data-root", "no folder")),
    "a data root of nobody": (["--data-root", "~nobody-here/x"], ("--data-root", "name a folder")),
    "a plug-in of nobody": (["--plugin", "~nobody-here/x.py"], ("~nobody-here/x.py", "home")),
    "a store of nonsense": (["--tracking-uri", "nonsense"], ("--tracking-uri", "sqlite:///FILE")),
    "a store of files": (["--tracking-uri", "file:///tmp/x"], ("--tracking-uri", "allowed")),
    "a store in no folder": (["--tracking-uri", "sqlite:///no/x.db"], ("not there (no)",)),
    "a store without a file": (["--tracking-uri", "sqlite:///studies"], ("no database file",)),
    "a store of no host": (["--tracking-uri", "http://"], ("names no host",)),
    "a port of 10^6": (["--tracking-uri", "http://h:1000000"], ("is no address",)),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_wrong_option_is_refused(name: str, project: Path) -> None:
    options, words = OPTIONS[name]
    (project / "studies" / "x.yaml").write_text(GOOD)
    answer = refused(project, "run", "studies/x.yaml", *options)
    assert all(word in answer.err for word in words), answer.err


def test_the_source_of_a_wrong_store_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "studies" / "x.yaml").write_text(GOOD)
    (project / "s.yaml").write_text("tracking_uri: nonsense\n")
    answer = refused(project, "run", "studies/x.yaml", "--sweep", "s.yaml")
    assert answer.err.startswith("tracking_uri of the sweep file: nonsense is no tracking store")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "ftp://h/x")
    assert refused(project, "run", "studies/x.yaml").err.startswith("$MLFLOW_TRACKING_URI: ftp")


def test_a_metric_that_an_arm_cannot_have_is_refused(project: Path) -> None:
    (project / "studies" / "x.yaml").write_text(GOOD)
    answer = refused(project, "evaluate", "studies/x.yaml", "--probe", "filters")
    assert "filters needs convolutions in the discriminator, and mlp has none" in answer.err
    answer = refused(project, "evaluate", "studies/x.yaml", "--metric", "modez")
    assert answer.err.startswith("--metric: ")
    assert "did you mean modes" in answer.err


def test_a_large_sweep_is_run_only_if_it_is_meant(project: Path) -> None:
    """1,001 trials; with --yes, or one complete, the next check, the data root's, is reached."""
    levels = list(range(2, 1003))
    text = HEAD + f"cross: {{batch_size: {levels}}}\n"
    (project / "studies" / "x.yaml").write_text(text)
    answer = refused(project, "run", "studies/x.yaml")
    assert "1,001 trials to run, more than the 1,000 run unasked: add --yes" in answer.err
    further = ["run", "studies/x.yaml", "--data-root", "studies/x.yaml"]
    assert "--yes" in refused(project, *further).err
    assert "--data-root" in refused(project, *further, "--yes").err
    first = expand(load_study(project / "studies" / "x.yaml")).trials[0]
    folder = TrialFolder(project / "runs" / "trials", first.trial_id)
    folder.open(first)
    folder.write_complete({"outcome": None})
    assert "--data-root" in refused(project, *further).err
    told = ask("validate", "studies/x.yaml")
    assert told.code == 0
    assert "1,001 trials at the budget full, so `run` asks for --yes" in told.out
    (project / "studies" / "x.yaml").write_text(text.replace("2, 3, ", "3, "))
    assert "--yes" not in ask("validate", "studies/x.yaml").out


@pytest.mark.slow
def test_a_grid_of_100_000_trials_is_planned(project: Path) -> None:
    levels = list(range(2, 102))
    (project / "studies" / "x.yaml").write_text(
        HEAD + f"cross: {{batch_size: {levels}, latent_dim: {levels}}}\nreplicates: 10\n"
    )
    answer = ask("validate", "studies/x.yaml")
    assert answer.code == 0
    assert "10000 arms x 10 replicates = 100000 trials" in answer.out
    assert answer.seconds < 30


FACES = """\
study: faces
folders: {faces: {data_id: mine-1, channels: 3, images: 4}}
base: {dataset: "folder:faces", network: mlp, image_size: 8, batch_size: 2, iterations: 1}
primary: d_loss_mean
metrics: [d_loss]
"""


def pictures(folder: Path, count: int = 4) -> None:
    folder.mkdir(parents=True)
    for index in range(count):
        Image.new("RGB", (9, 9), (index, 0, 0)).save(folder / f"{index}.png")


def spoilt(name: str, spoil: Callable[[Path], object]) -> Callable[[Path], None]:
    """Four pictures, of which one is put in another's place."""

    def make(folder: Path) -> None:
        pictures(folder)
        (folder / "1.png").unlink()
        spoil(folder / name)

    return make


def cut(path: Path) -> None:
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:600])


DATA: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "no folder": (lambda folder: None, ("no folder data/faces",)),
    "a file for the folder": (
        lambda folder: (folder.parent.mkdir(), folder.touch()),
        ("no folder data/faces",),
    ),
    "an empty folder": (lambda folder: folder.mkdir(parents=True), ("no image in data/faces",)),
    "one image": (lambda folder: pictures(folder, 1), ("holds 1 images", "faces says 4")),
    "more images than said": (lambda folder: pictures(folder, 5), ("holds 5 images",)),
    "16 bits": (
        spoilt("1.png", lambda path: Image.new("I;16", (9, 9)).save(path)),
        ("1.png", "more than 8 bits a channel", "convert it"),
    ),
    "floats": (
        spoilt("1.tif", lambda path: Image.new("F", (9, 9)).save(path)),
        ("1.tif", "more than 8 bits a channel"),
    ),
    "text": (spoilt("1.png", lambda path: path.write_text("x")), ("1.png", "cannot be read")),
    "an empty image": (spoilt("1.png", Path.touch), ("1.png", "cannot be read")),
    "a cut image": (spoilt("1.png", cut), ("1.png", "cannot be read")),
    "a huge header": (
        spoilt("1.ppm", lambda path: path.write_bytes(b"P6 100000 100000 255 x")),
        ("1.ppm", "cannot be read"),
    ),
    "a pipe": (spoilt("1.png", os.mkfifo), ("holds 3 images",)),
}


@pytest.mark.parametrize("name", DATA)
def test_wrong_images_are_told_before_the_first_trial(name: str, project: Path) -> None:
    make, words = DATA[name]
    make(project / "data" / "faces")
    (project / "studies" / "faces.yaml").write_text(FACES)
    answer = ask("run", "studies/faces.yaml", "--data-root", "data")
    assert (answer.code, answer.error) == (2, None)
    assert "Traceback" not in answer.err
    (line,) = answer.err.splitlines()
    assert all(word in line for word in words), line
    assert not (project / "runs" / "trials").exists()
    assert not (project / "results").exists()


def test_what_is_created_is_not_for_everyone_to_write(project: Path) -> None:
    from ganablate.files import write_text

    before = os.umask(0)
    try:
        write_text(project / "a" / "b.json", "{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((project / "a" / "b.json").stat().st_mode) == 0o664
