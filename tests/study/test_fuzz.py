"""Whatever a study file holds, it is a plan or a list of problems, each with a line.

A few examples of each kind run with the fast tests. GANABLATE_FUZZ=20000 runs that many of each:
`GANABLATE_FUZZ=20000 pytest -n 0 tests/study/test_fuzz.py`.
"""

import copy
import json
import os
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ganablate.catalog import (
    ACTIVATIONS,
    CRITERIA,
    DATASETS,
    METRICS,
    NETWORKS,
    OPTIMIZERS,
    PROBES,
    SETTINGS,
)
from ganablate.study.arms.grid import MOST_TRIALS
from ganablate.study.claims.claims import CURVE_SHAPES, KINDS, Claim
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from ganablate.sweep.profile import Profile, load_profile

EXAMPLES = int(os.environ.get("GANABLATE_FUZZ", "20"))
SHIPPED = sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))
often = settings(
    max_examples=EXAMPLES, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "x.yaml"


def judged(path: Path, content: bytes) -> list[str]:
    """The problems of a file; none: it expands at every budget. Anything else is an error."""
    path.write_bytes(content)
    try:
        study = load_study(path)
    except StudyError as error:
        problems = error.problems
    else:
        for budget in study.budget_names:
            trials = expand(study, budget).trials
            assert 0 < len({trial.trial_id for trial in trials}) == len(trials) <= MOST_TRIALS
        return []
    assert problems
    for problem in problems:
        place, _, line = problem.place.rpartition(":")
        assert place == str(path)
        assert int(line) >= 1
        assert problem.message.strip()
        assert problem.message.isprintable()
    return [str(problem) for problem in problems]


# --- documents made of the real keys ---

WORDS = st.sampled_from(
    ["baseline", "all", "none", "fid", "full", "cpu", "null", "own", "folder:f", "f", "0.7..1",
     "lr=1", "d_loss_mean", "worse", "equivalent", "1.25x", "50%", "20 epochs", "d/criterion",
     "<script>", "../x", "", " ", "a\nb", "\u202e", "true", "1e-4", "~", "&a", "*a", "!!int 1",
     *NETWORKS, *CRITERIA, *OPTIMIZERS, *ACTIVATIONS, *DATASETS, *METRICS, *PROBES]
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 300), st.floats(), st.sampled_from([10**9, 10**12, -(10**30), 1e-300, 1e300])
)
SCALARS = st.one_of(NUMBERS, WORDS, st.booleans(), st.none(), st.text(max_size=8))
NAMES = st.one_of(
    st.sampled_from(["a", "b", "B", "full", "cpu", "baseline", "all", "con", "a.", "f"]),
    st.sampled_from(sorted(SETTINGS)),
    st.sampled_from(
        ["compare_to", "because", "ablate.lr", "cross.lr", "arms.a", "remove.a", "replicates"]
    ),
    st.text(max_size=5),
)
WILD = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)
    ),
    max_leaves=8,
)  # fmt: skip
CHANGES = st.dictionaries(st.sampled_from(sorted(SETTINGS)), SCALARS, max_size=4)
LEVELS = st.dictionaries(
    st.sampled_from(sorted(SETTINGS)), st.lists(SCALARS, max_size=4), max_size=3
)
STATEMENT_KEYS = sorted(
    {"arm", "arms", "to", "metric", "is", "by", "within", "than", "with", "over", "show", "sum",
     "published", "at_least", "at_most", "strength", "level", "until", "before", "from", "at",
     "against", "drop", "recover", *CURVE_SHAPES}
)  # fmt: skip
STATEMENTS = st.dictionaries(
    st.sampled_from(STATEMENT_KEYS),
    st.one_of(SCALARS, st.dictionaries(st.sampled_from(STATEMENT_KEYS), SCALARS, max_size=4)),
    max_size=4,
)
CLAIMS = st.builds(
    lambda kind, statement, more: {"id": "a", "says": "b", **more, kind: statement},
    st.sampled_from(KINDS),
    STATEMENTS,
    st.dictionaries(st.sampled_from(sorted(Claim.model_fields)), WILD, max_size=1),
)
SECTIONS: dict[str, st.SearchStrategy[Any]] = {
    "base": CHANGES,
    "remove": st.dictionaries(NAMES, st.one_of(SCALARS, CHANGES), max_size=4),
    "remove_also": st.lists(st.sampled_from(["all", "all_but_one", "x"]), max_size=2),
    "ablate": LEVELS,
    "cross": LEVELS,
    "arms": st.dictionaries(NAMES, CHANGES, max_size=3),
    "budgets": st.dictionaries(NAMES, CHANGES, max_size=3),
    "exclude": st.lists(CHANGES.map(lambda given: {"because": "b", **given}), max_size=2),
    "claims": st.lists(CLAIMS, max_size=3),
    "metrics": st.lists(st.sampled_from(sorted(METRICS)), max_size=4),
    "probes": st.lists(st.sampled_from(sorted(PROBES)), max_size=3),
    "points": st.dictionaries(WORDS, st.one_of(WORDS, st.just({"mean_of_last": 2})), max_size=2),
}
KEYS = sorted({info.alias or name for name, info in Study.model_fields.items()})


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {
        "study": "x", "base": {"dataset": "mnist_5k", "network": "mlp", "epochs": 1},
        "primary": "fid", "metrics": ["fid"],
    }  # fmt: skip
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=4, unique=True)):
        known = SECTIONS.get(key, SCALARS)
        document[key] = draw(st.one_of(known, known, known, WILD))
        if key == "base" and isinstance(document[key], dict) and draw(st.booleans()):
            document[key] = {"dataset": "mnist_5k", "network": "mlp", **document[key]}
    for key in draw(st.lists(st.sampled_from(KEYS), max_size=draw(st.integers(0, 1)))):
        document.pop(key, None)
    return document


def written(document: object, style: str) -> bytes:
    if style == "json":
        return json.dumps(document).encode()
    return yaml.safe_dump(document, allow_unicode=True, default_flow_style=None).encode(
        errors="surrogatepass"
    )


@given(document=documents(), style=st.sampled_from(["json", "yaml"]))
@example(document={"study": "x", "base": {"epochs": 1e300}}, style="json")
@example(document={"study": "x", "base": {"fake_labels": False}}, style="json")
@often
def test_documents_of_real_keys_and_wild_values(
    document: dict[str, Any], style: str, file: Path
) -> None:
    judged(file, written(document, style))


# --- shipped studies, bent ---


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        yield node, key
        if isinstance(value, dict | list):
            yield from places(value)


@cache
def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def bend(document: dict[str, Any], seed: int, wild: list[Any]) -> None:
    """Drop, repeat, swap or replace nodes."""
    chance = random.Random(seed)  # of hypothesis' own integer: it shrinks and repeats
    for value in wild:
        found = list(places(document))
        if not found:
            return
        node, key = chance.choice(found)
        what = chance.choice(("drop", "replace", "replace", "swap", "repeat", "rename"))
        if what == "drop":
            del node[key]
        elif what == "replace":
            node[key] = value
        elif what == "swap":
            other, place = chance.choice(found)
            node[key], other[place] = other[place], node[key]
        elif isinstance(node, list):
            node.append(node[key])
        else:
            node[value if isinstance(value, str) else f"{key}{what[0]}"] = node[key]


@given(
    shipped=st.sampled_from(SHIPPED),
    seed=st.integers(0, 2**32),
    wild=st.lists(WILD, min_size=1, max_size=4),
)
@often
def test_shipped_studies_with_nodes_dropped_swapped_and_replaced(
    shipped: Path, seed: int, wild: list[Any], file: Path
) -> None:
    document = copy.deepcopy(parsed(shipped))
    try:
        bend(document, seed, wild)
        content = written(document, "json")
    except (ValueError, RecursionError):  # two swaps have made it hold itself
        return
    judged(file, content)


MARKS = [b"\t", b"\n", b": ", b"- ", b"[", b"{", b"}", b"&a ", b"*a", b"!!x ", b"<<: "]
PUT_IN = st.one_of(st.binary(max_size=6), st.sampled_from(MARKS))
CUT = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 40), PUT_IN)


@given(shipped=st.sampled_from(SHIPPED), cuts=st.lists(CUT, max_size=4))
@often
def test_shipped_studies_with_bytes_cut_and_put_in(
    shipped: Path, cuts: list[tuple[float, int, bytes]], file: Path
) -> None:
    content = shipped.read_bytes()
    for where, length, put in cuts:
        at = int(where * len(content))
        content = content[:at] + put + content[at + length :]
    judged(file, content)


@given(content=st.binary(max_size=200))
@example(content=b"? - {")
@example(content="\u05c8".encode())
@often
def test_raw_bytes(content: bytes, file: Path) -> None:
    assert judged(file, content)


SWEEP_KEYS = st.one_of(st.sampled_from(sorted(Profile.model_fields)), st.text(max_size=4))


@given(document=st.one_of(st.dictionaries(SWEEP_KEYS, WILD, max_size=4), WILD))
@often
def test_sweep_files(document: Any, file: Path) -> None:
    file.write_bytes(written(document, "json"))
    try:
        load_profile(file)
    except StudyError as error:
        problems = error.problems
    else:
        return
    assert problems
    assert all(problem.message.isprintable() for problem in problems)


def test_the_shipped_studies_themselves_are_right(file: Path) -> None:
    """Without a cut the fuzzed files are plans: the tests above bend something that works."""
    assert [judged(file, path.read_bytes()) for path in SHIPPED] == [[]] * len(SHIPPED)
