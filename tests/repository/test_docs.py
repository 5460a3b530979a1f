"""Everything that the documents show works: keys, commands, YAML, Python, and their outputs."""

import contextlib
import importlib.util
import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from docs.made import pages
from docs.made.notebook import as_markdown
from ganablate import catalog
from ganablate.catalog import SETTINGS
from ganablate.cli import COMMANDS, app
from ganablate.study import schema
from ganablate.study.claims import claims, curve_shapes
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plugins import forget_plugins
from ganablate.study.reading.fields import Entry
from ganablate.sweep.profile import Profile, load_profile
from tests.support.fences import (
    BLOCKS,
    PAGES,
    ROOT,
    Block,
    arguments,
    is_map,
    paths_of,
    project_environment,
    studies_of,
    with_addition,
    write_project,
    yaml_kind,
)

DOCS = ROOT / "docs"
KINDS = ("yaml", "bash", "python", "text", "")
READING = ("validate", "plan", "status", "list", "schema", "init", "show", "compare")
"""Commands that are tried in every test run; the others take long, and wait for the slow tests."""
NAMES = {str(page.relative_to(ROOT)): page for page in PAGES}
GROUP: Any = get_command(app)
every_page = pytest.mark.parametrize("name", list(NAMES))


# What is made


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_made_parts_are_as_they_would_be_made_now(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == pages.rewritten(text), "run `make docs` and commit what it changed"


def test_every_part_that_can_be_made_is_on_some_page() -> None:
    texts = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    assert set(re.findall(r"<!-- made: ([a-z-]+) -->", texts)) == set(pages.MAKERS)


@pytest.mark.parametrize("name", list(pages.PICTURES))
def test_pictures_are_those_of_the_results(name: str) -> None:
    assert (DOCS / name).read_bytes() == pages.PICTURES[name].read_bytes()


def test_the_correlations_of_replicates_are_those_of_the_trials() -> None:
    trials = pd.read_csv(ROOT / "results" / "published" / "quickstart" / "full" / "trials.csv")
    logs = np.log(trials.pivot_table(index="replicate", columns="arm", values="fid"))
    alike = logs.corr()["baseline"].drop("baseline").mean()
    text = (DOCS / "simulations.md").read_text(encoding="utf-8")
    assert f"\n| quickstart, full | {len(logs)} | FID | {alike:.2f} | " in text


# Every key is there, and none is invented


def first_cells(page: str, *, under: str = "") -> set[str]:
    """Names in code in the first column of the tables of a page, from a heading on."""
    text = (DOCS / page).read_text(encoding="utf-8")
    text = text.partition(under)[2] if under else text
    rows = re.findall(r"^\| (`[^|]*?`) \|", text, re.MULTILINE)
    return {name for cell in rows for name in re.findall(r"`([^`]+)`", cell)}


def test_the_language_page_has_every_key_of_the_models_and_no_other() -> None:
    models = [
        model
        for module in (schema, claims, curve_shapes)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Entry) and model is not Entry
    ]
    keys = {field.alias or name for model in models for name, field in model.model_fields.items()}
    gathered = {"changes", "settings", "amount", "unit"}  # no keys of the YAML
    assert first_cells("language.md", under="## Every key") == keys - gathered


def test_the_settings_page_has_every_setting_and_every_part() -> None:
    parts = [
        catalog.TRAINERS, catalog.CRITERIA, catalog.PENALTIES, catalog.OPTIMIZERS,
        catalog.SCHEDULES, catalog.NETWORKS, catalog.ACTIVATIONS, catalog.INITIALISERS,
        catalog.DATASETS,
    ]  # fmt: skip
    assert first_cells("settings.md") == {*SETTINGS, *(name for table in parts for name in table)}


def test_the_metrics_page_has_every_metric_probe_extractor_and_column() -> None:
    tables = [catalog.METRICS, catalog.PROBES, catalog.EXTRACTORS, catalog.NAMED_EXTRACTORS]
    assert first_cells("metrics.md") == {name for table in tables for name in table}
    columns = {
        **catalog.metric_columns(list(catalog.METRICS)),
        **catalog.probe_columns(catalog.PROBES),
    }
    text = (DOCS / "metrics.md").read_text(encoding="utf-8")
    for name, column in columns.items():
        assert f"| `{name}` | {column.title} |" in text


def test_the_metrics_page_says_how_many_images_are_compared() -> None:
    from ganablate.metrics.evaluate import N_FAKE, N_REAL, N_TRAINING

    text = " ".join((DOCS / "metrics.md").read_text(encoding="utf-8").split())
    assert f"compare {N_FAKE:,} generated images with up to {N_REAL:,} real ones" in text
    assert f"Up to {N_TRAINING:,} training images are looked at ({N_REAL:,} with" in text


def test_the_commands_page_has_every_command_and_option() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)$", text, re.MULTILINE) == list(COMMANDS)
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        command = GROUP.get_command(None, section.split()[0])
        options = {word for one in command.params for word in one.opts if word.startswith("-")}
        shown = set(re.findall(r"^\| .*?\|", section, re.MULTILINE))
        assert options <= set(re.findall(r"`(-[\w-]+)`", " ".join(shown)))
        assert not re.search(r"^\| [^|]+\| *\|$", section, re.MULTILINE), "an option without a word"


def test_the_sweeps_page_has_every_key_of_a_profile() -> None:
    assert first_cells("sweeps.md") == set(Profile.model_fields)


# The blocks


@every_page
def test_every_block_is_of_a_kind_that_is_tried(name: str) -> None:
    page = NAMES[name]
    assert page.read_text(encoding="utf-8").count("```") == 2 * len(BLOCKS[page])
    for before, block in zip([None, *BLOCKS[page]], BLOCKS[page], strict=False):
        assert block.kind in KINDS, f"{block.place}: nothing tries `{block.kind}`"
        shows_output = before is not None and before.kind in ("bash", "python")
        assert block.kind != "text" or shows_output, f"{block.place}: the output of what?"


@every_page
def test_blocks_work_in_the_order_of_the_page(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """YAML loads and expands; commands are those there are; what reads or computes is run."""
    monkeypatch.chdir(write_project(tmp_path, NAMES["docs/index.md"], NAMES[name]))
    namespace: dict[str, Any] = {}
    printed = ""
    with restored_catalog():
        for block in BLOCKS[NAMES[name]]:
            if block.kind == "yaml":
                _try_yaml(block, tmp_path)
            elif block.kind == "python" and not block.trains:
                printed = _executed(block, namespace)
            elif block.kind == "text":
                for line in block.text.splitlines():
                    assert line.strip(" …") in printed, f"{block.place}: not printed: {line}"
            elif is_map(block):
                for path in paths_of(block):
                    assert any((top / path).exists() for top in (ROOT, ROOT / "ganablate")), path
            else:
                printed = "".join(_tried(line, block, tmp_path) for line in block.commands)


@contextlib.contextmanager
def restored_catalog() -> Any:
    """The tables of the catalog as they were, whatever the documents' code adds to them."""
    tables = [table for table in vars(catalog).values() if isinstance(table, dict)]
    before = [dict(table) for table in tables]
    try:
        yield
    finally:
        forget_plugins()
        for table, own in zip(tables, before, strict=True):
            table.clear()
            table.update(own)


def _try_yaml(block: Block, folder: Path) -> None:
    kind, text = yaml_kind(block), block.text
    path = folder / "shown.yaml"
    if kind == "profile":
        path.write_text(text)
        load_profile(path)
        return
    if kind == "addition":
        first = next(iter(studies_of(block.page).values()), None)
        assert first is not None, f"{block.place}: added to which study?"
        text = with_addition(first, text)
    path.write_text(text)
    study = load_study(path)
    for budget in study.budget_names:
        assert expand(study, budget).trials


def _executed(block: Block, namespace: dict[str, Any]) -> str:
    from torch import Tensor

    namespace.setdefault("Tensor", Tensor)  # the README shows a function alone
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(block.text, block.place, "exec"), namespace)
    return output.getvalue()


def _tried(line: str, block: Block, project: Path) -> str:
    """What a command prints, where it reads only; of the others, that they are well formed."""
    word, *rest = line.split()
    if word == "ganablate":
        name, *given = arguments(line, project)
        command = GROUP.get_command(None, name)
        assert command is not None, f"{block.place}: no command {name}"
        if "--help" in given:
            return ""
        if name not in READING or "--estimate" in given:
            command.make_context(name, given)  # raises what the command line would say
            return ""
        result = CliRunner().invoke(app, [name, *given])
        assert result.exit_code == 0, f"{block.place}: {line}\n{result.output}"
        return result.stdout
    assert _is_known(word, rest), f"{block.place}: {line}"
    return ""


def _is_known(word: str, rest: list[str]) -> bool:
    """Of the commands that are not ours, those that these documents may name."""
    if word == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return all(target in targets for target in rest if "=" not in target)
    if word == "python" and rest[0] == "-m":
        return importlib.util.find_spec(rest[1]) is not None
    if word == "python":
        return (ROOT / rest[0]).exists()
    if word == "pip" and rest[0] == "install":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        extras = re.findall(r"ganablate\[(\w+)\]", " ".join(rest))
        return all(extra in project["optional-dependencies"] for extra in extras)
    if word in ("ray", "mlflow"):
        return shutil.which(word, path=str(Path(sys.executable).parent)) is not None
    if word == "sbatch":
        return (ROOT / rest[0]).exists()
    if word == "export":
        return all("=" in one for one in rest)
    return (word, rest) == ("source", [".venv/bin/activate"])


def test_scripts_that_are_shown_are_the_files_and_bash_reads_them() -> None:
    shown = [block.text for found in BLOCKS.values() for block in found if block.is_script]
    files = sorted((ROOT / "examples").glob("*.sh"))
    assert sorted(shown) == [path.read_text(encoding="utf-8") for path in files]
    for path in files:
        subprocess.run(["bash", "-n", str(path)], check=True)


@pytest.mark.slow
def test_options_of_ray_and_mlflow_that_are_shown_are_there() -> None:
    lines = [line for found in BLOCKS.values() for block in found for line in block.commands]
    scripts = [path.read_text(encoding="utf-8") for path in (ROOT / "examples").glob("*.sh")]
    lines += [line for text in scripts for line in text.replace("\\\n", " ").splitlines()]
    tried = 0
    for line in lines:
        words = line.split()
        for tool in ("ray", "mlflow"):
            if tool not in words or words[words.index(tool) + 1 :][:1] in ([], ["psycopg2-binary"]):
                continue
            command = words[words.index(tool) + 1]
            given = {
                word.partition("=")[0]
                for word in words[words.index(tool) :]
                if re.match(r"--[a-z]", word)
            }
            program = str(Path(sys.executable).with_name(tool))
            helped = subprocess.run([program, command, "--help"], capture_output=True, text=True)
            assert helped.returncode == 0, line
            assert given <= set(re.findall(r"--[a-z-]+", helped.stdout)), line
            tried += 1
    assert tried > 4


# The whole


def shown_commands(*names: str) -> list[str]:
    """The commands of these names that some document shows, each once, in order."""
    lines = [line for found in BLOCKS.values() for one in found for line in one.commands]
    wanted = (line for line in lines if line.split()[:1] == ["ganablate"])
    return list(dict.fromkeys(line for line in wanted if line.split()[1] in names))


def at_smoke(line: str, project: Path) -> list[str] | None:
    """The words of a command with its budget replaced by smoke; None: not for this machine."""
    words = arguments(line, project)
    if "--data-root" in words or "--tracking-uri" in words or "--plugin" in words:
        return None  # own images, servers and parts
    if any(word.endswith(("-gpu.yaml", "cluster.yaml")) for word in words):
        return None
    if "--budget" in words:
        at = words.index("--budget")
        del words[at : at + 2]
    return [*words, "--budget", "smoke"]


def one_of_each_form(lines: list[list[str]]) -> list[list[str]]:
    """Of commands with the same options one, of the quickstart where it can be.

    What differs is the study alone: every study is expanded by `test_repository`, and larger ones
    are run by `test_clone` and under `tests/whole`.
    """
    forms: dict[tuple[str, ...], list[str]] = {}
    for words in sorted(lines, key=lambda words: "studies/quickstart.yaml" not in words):
        options = (word for word in words if word.startswith("--"))
        forms.setdefault((words[0], *options), words)
    return list(forms.values())


@pytest.mark.slow
def test_every_command_and_every_python_that_trains_works_at_smoke(tmp_path: Path) -> None:
    project = write_project(tmp_path, NAMES["docs/index.md"])
    training = [at_smoke(line, project) for line in shown_commands("run")]
    others = [at_smoke(line, project) for line in shown_commands("evaluate")]
    plans = [line for line in shown_commands("plan") if "--estimate" in line]
    others += [at_smoke(line, project) for line in plans]
    reading = [
        arguments(line, project)
        for line in shown_commands("report", "prune", "track")
        if "--trials" not in line and "--mlflow" not in line  # runs of others
    ]
    lines = [
        *one_of_each_form([words for words in training if words is not None]),
        *one_of_each_form([words for words in others if words is not None] + reading),
    ]
    assert {words[0] for words in lines} >= {"run", "evaluate", "report", "plan"}
    for words in lines:
        code = ["-c", "from ganablate.cli import main; main()"]
        done = subprocess.run(
            [sys.executable, *code, *words], cwd=project, capture_output=True, text=True,
            timeout=1200, env=project_environment(),
        )  # fmt: skip
        assert done.returncode == 0, f"ganablate {' '.join(words)}\n{done.stdout}{done.stderr}"
    page = NAMES["docs/python.md"]
    assert any(block.trains for block in BLOCKS[page])
    script = "\n".join(block.text for block in BLOCKS[page] if block.kind == "python")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project, capture_output=True, text=True, timeout=1200,
        env=project_environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4 arms, 12 trials" in done.stdout


def notebook() -> Any:
    return json.loads((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))


def test_the_notebook_is_small_and_was_saved_with_its_table_and_its_picture() -> None:
    assert (DOCS / "notebook.ipynb").stat().st_size < 200_000
    outputs = [out for cell in notebook()["cells"] for out in cell.get("outputs", ())]
    kinds = {kind for out in outputs for kind in out.get("data", ())}
    assert {"text/html", "image/png"} <= kinds
    assert not [out for out in outputs if out["output_type"] == "error"]
    assert not [out for out in outputs if out.get("name") == "stderr"]


def test_a_notebook_is_shown_with_its_code_its_tables_and_its_pictures() -> None:
    page = as_markdown((DOCS / "notebook.ipynb").read_text(encoding="utf-8"))
    assert page.startswith("# A study in a notebook\n")
    assert "```python\nfrom pathlib import Path\n" in page
    assert page.count("](data:image/png;base64,") == 1
    assert "<table" in page
    assert "```text\nTrue\n```" in page


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Jupyter's own
def test_the_notebook_runs_and_gives_what_it_was_saved_with(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    saved = notebook()
    found = nbformat.read(DOCS / "notebook.ipynb", as_version=4)
    again = "ganablate.run(study, folder=folder).reused"
    found.cells.append(nbformat.v4.new_code_cell(again))
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(found, timeout=1200, resources=place).execute()

    def shape(cells: Any) -> list[list[list[str]]]:
        return [
            [sorted(out["data"]) for out in cell.get("outputs", ()) if "data" in out]
            for cell in cells
        ]

    *cells, last = found["cells"]
    assert shape(cells) == shape(saved["cells"])
    said = [out.get("text") for cell in cells for out in cell.get("outputs", ())]
    assert "0 failed\n" in said
    assert "True\n" in said
    # A kernel calls itself a terminal; what it shows are lines all the same, and ours alone.
    printed = [out["text"] for out in last["outputs"] if "text" in out]
    assert "9 trials, 9 of them complete before" in printed[0]
    assert "\x1b" not in "".join(printed)
    assert last["outputs"][-1]["data"]["text/plain"] == "9"


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    built = {path.stem for path in (tmp_path / "site").glob("*.html")}
    assert {page.stem for page in DOCS.glob("*.md")} | {"notebook"} <= built
    for path in (tmp_path / "site").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//[^"]*"', text)
