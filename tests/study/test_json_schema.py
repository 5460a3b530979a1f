"""The JSON schema takes what `load_study` takes, and refuses what an editor can see is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ganablate.catalog import CRITERIA, METRICS, NETWORKS, SETTINGS
from ganablate.study.arms.settings import read_value
from ganablate.study.editor.json_schema import STUDY_SCHEMA, model_schema, schema_line, study_schema
from ganablate.study.reading.document import read_document
from ganablate.study.reading.errors import StudyError
from ganablate.sweep.profile import Profile, load_profile
from tests.support.study_text import HEAD, LANGUAGE_BLOCKS
from tests.support.wrong_studies import WRONG, Wrong

ROOT = Path(__file__).parents[2]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))
PROFILES = sorted((ROOT / "sweeps").glob("*.yaml"))
SCHEMA = study_schema()
STUDY = Draft202012Validator(SCHEMA)
PROFILE = Draft202012Validator(model_schema(Profile, "A profile of ganablate"))


def values(path: Path) -> list[Any]:
    """The file as we read it, and as an editor with plain YAML does."""
    return [read_document(path).values, yaml.safe_load(path.read_text(encoding="utf-8"))]


def complaints(validator: Draft202012Validator, given: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(given)]


def test_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert '"null"' not in json.dumps(SCHEMA)


@pytest.mark.parametrize("path", [*STUDIES, *PROFILES], ids=lambda path: path.stem)
def test_takes_every_shipped_file_which_names_the_schema_beside_it(path: Path) -> None:
    validator, beside = STUDY, STUDY_SCHEMA
    if path in PROFILES:
        validator, beside = PROFILE, "sweep.schema.json"
    assert [complaints(validator, given) for given in values(path)] == [[], []]
    assert path.read_text(encoding="utf-8").splitlines()[0] == schema_line(beside)


@pytest.mark.parametrize("block", LANGUAGE_BLOCKS)
def test_takes_every_feature(block: str, write: Callable[[str], Path]) -> None:
    path = write(block if block.startswith("study:") else LANGUAGE_BLOCKS[0] + block)
    assert [complaints(STUDY, given) for given in values(path)] == [[], []]


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong.editor], ids=str)
def test_refuses_what_loading_refuses(wrong: Wrong) -> None:
    assert complaints(STUDY, yaml.safe_load(wrong.text))


def test_an_error_stands_at_its_key(write: Callable[[str], Path]) -> None:
    (found,) = complaints(STUDY, read_document(write(HEAD + "ablate: {batch_size: [1]}\n")).values)
    assert found.startswith("$.ablate.batch_size[0]")
    assert "less than the minimum of 2" in found


@given(st.sampled_from(sorted(SETTINGS)), st.one_of(
    st.integers(-3, 70_000), st.floats(-2, 2, allow_nan=False), st.booleans(),
    st.sampled_from(["none", "all", "hard", "constant", "adam", "bce", "batch", "0.7..1", "1e-4"]),
))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_no_level_that_loading_takes_is_refused(name: str, level: Any) -> None:
    try:
        read_value(name, level)
    except ValueError:
        return
    one = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    assert Draft202012Validator(one).is_valid(level), (name, level)


def test_names_of_the_catalog_are_proposed() -> None:
    parts = SCHEMA["$defs"]
    assert parts["network"]["enum"] == list(NETWORKS)
    assert parts["criterion"]["enumDescriptions"] == [part.summary for part in CRITERIA.values()]
    assert SCHEMA["properties"]["metrics"]["items"]["enum"] == list(METRICS)
    assert {"const": "none"} in parts["penalty"]["anyOf"]


def test_every_key_says_what_it_is() -> None:
    bare = [name for name, key in SCHEMA["properties"].items() if not key.get("description")]
    bare += [name for name in SETTINGS if not SCHEMA["$defs"][name].get("description")]
    assert bare == []


@pytest.mark.parametrize(
    "text", ["thread: 2", "threads: 0", "device: gpu", "concurrency: all", "retries: -1"]
)
def test_refuses_what_loading_a_profile_refuses(text: str, write: Callable[[str], Path]) -> None:
    path = write(text)
    with pytest.raises(StudyError):
        load_profile(path)
    assert complaints(PROFILE, yaml.safe_load(text))


@pytest.mark.parametrize(
    ("file", "validator"),
    [("studies/study.schema.json", STUDY), ("sweeps/sweep.schema.json", PROFILE)],
)
def test_the_committed_schema_is_the_generated_one(
    file: str, validator: Draft202012Validator
) -> None:
    text = json.dumps(validator.schema, indent=1) + "\n"
    assert (ROOT / file).read_text(encoding="utf-8") == text, "make schema rewrites it"
