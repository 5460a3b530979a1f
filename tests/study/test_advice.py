"""Combinations that a part's paper advises against: told with the source, and not refused."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from ganablate.catalog import PENALTIES, TABLES, Advice
from ganablate.study.advice import advice_lines
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from tests.support.command import invoke

STUDY = {
    "study": "advised",
    "base": {"dataset": "mnist_5k", "network": "dcgan", "image_size": 28, "epochs": 1,
             "criterion": "wasserstein", "optimizer": "rmsprop"},
    "arms": {
        "penalised": {"penalty": "wgan_gp"},
        "without": {"penalty": "wgan_gp", "d_norm": "none"},
        "generator": {"penalty": "wgan_gp", "d_norm": "none", "g_norm": "none"},
        "adam": {"optimizer": "adam"},
        "adam_0": {"optimizer": "adam", "beta1": 0},
        "adam_of_G": {"g_optimizer": "adam"},
        "heavy": {"optimizer": "sgd", "momentum": 0.5},
        "light": {"optimizer": "sgd"},
        "penalised_heavy": {"optimizer": "sgd", "momentum": 0.5, "penalty": "wgan_gp"},
    },
    "primary": "fid",
    "metrics": ["fid"],
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "advised.yaml"
    path.write_text(yaml.safe_dump(STUDY, sort_keys=False))
    return path


def test_each_piece_of_advice_names_the_arms_that_go_against_it(study: Path) -> None:
    lines = advice_lines(expand(load_study(study)))
    assert [line.rpartition("; here in: ")[2] for line in lines] == [
        "penalised, penalised_heavy.",
        "adam.",
        "heavy.",
    ]
    assert lines[0].startswith(
        "Advised against by Gulrajani et al. 2017, arXiv 1704.00028, section 4: wgan_gp with batch "
        "norm in D, since "
    )
    assert all("arXiv 1701.07875" in line for line in lines[1:])


def test_validate_plan_and_list_say_it(study: Path) -> None:
    for command in ("validate", "plan"):
        code, out, _ = invoke(command, str(study))
        assert code == 0
        assert out.count("note: Advised against by ") == 3
    assert "advises against batch norm in D: Gulrajani" in invoke("list", "penalties")[1]


def test_a_plain_study_has_no_note(study: Path) -> None:
    base = {**STUDY["base"], "criterion": "bce", "optimizer": "adam"}  # type: ignore[dict-item]
    study.write_text(yaml.safe_dump({**STUDY, "base": base, "arms": {"x": {"latent_dim": 10}}}))
    assert advice_lines(expand(load_study(study))) == []


def test_advice_is_about_settings_that_there_are() -> None:
    told = [a for table in TABLES.values() for p in table.lines.values() for a in p.advises_against]
    assert len({advice.source for advice in told}) == 2
    assert PENALTIES["r1"].advises_against == ()
    with pytest.raises(ValidationError, match="a trial has no setting norm"):
        Advice(what="batch norm", because="x", source="x", where={"norm": ("batch",)})
    with pytest.raises(ValidationError, match="the text is empty"):
        Advice(what="batch norm", because="x", source=" ", above={"g_beta1": 0})
