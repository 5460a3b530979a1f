"""Settings that parts from outside declare: studied, refused and named as the built-in ones are."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from ganablate.catalog import SETTINGS, OwnSetting, function_of
from ganablate.cli import app
from ganablate.config import TrialConfig
from ganablate.gan.data import known_fingerprints, materialise
from ganablate.study.arms.identity import trial_id
from ganablate.study.editor.json_schema import study_schema
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Trial
from ganablate.study.plugins import forget_plugins, load_plugins
from ganablate.study.reading.errors import StudyError
from ganablate.study.search.space import read_space
from ganablate.sweep.prepare import prepare_data

PLUGIN = """\
from ganablate.catalog import NETWORKS as BUILT_IN
from ganablate.catalog import Criterion, Dataset, Network, OwnSetting, Part


def margin(real_logits, fake_logits, *, distance, squared):
    "Hinge with a distance of its own."
    real, fake = (distance - real_logits.float()).relu(), (distance + fake_logits.float()).relu()
    if squared:
        real, fake = real**2, fake**2
    return real.mean() + fake.mean(), -fake_logits.float().mean()


def bend(*, curve):
    "Leaky or not."
    from torch import nn
    return nn.LeakyReLU(0.1) if curve == "leaky" else nn.ReLU()


def plain(config, channels, *, blocks):
    "The mlp, with a setting that it reads of the config."
    assert blocks == config.blocks
    return BUILT_IN["mlp"].load()(config, channels)


def stripes(root, *, bright):
    "Four images with a bright row."
    import numpy as np
    images = np.zeros((4, 8, 8, 1), np.uint8)
    images[:, 3] = bright
    return images, None


CRITERIA = {
    "margin": Criterion(
        implementation="margin", summary="hinge", source="own", threshold=0.0,
        declares={
            "distance": OwnSetting("of the hinge", 1.0, minimum=0.5, maximum=4.0),
            "squared": OwnSetting("whether the hinge is squared", False),
        },
    ),
}
ACTIVATIONS = {
    "bend": Part(
        implementation="bend", summary="a bend", source="own",
        declares={"curve": OwnSetting("of the bend", "leaky", choices=("leaky", "sharp"))},
    ),
}
DATASETS = {
    "stripes": Dataset(
        implementation="stripes", summary="stripes", source="own", image_size=8, channels=1,
        images=4, classes=None, data_id="stripes", extractor=None,
        declares={"bright": OwnSetting("of a stripe", 200, minimum=1, maximum=255)},
    ),
}
NETWORKS = {
    "plain": Network(
        implementation="plain", summary="an mlp", source="own", image_sizes=None,
        convolutions=False, defaults=dict(BUILT_IN["mlp"].defaults),
        declares={"blocks": OwnSetting("of nothing", 2, minimum=0)},
    ),
}
"""
HEAD = "study: own\nprimary: fid\nmetrics: [fid]\n"
BASE = "base: {dataset: mnist_5k, network: plain, criterion: margin, activation: bend, epochs: 1}\n"
STUDY = HEAD + BASE + "ablate: {distance: [2], squared: [true], curve: [sharp], blocks: [4]}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    before = dict(SETTINGS)
    yield tmp_path
    forget_plugins()
    assert before == SETTINGS


@pytest.fixture
def loaded(project: Path) -> None:
    (project / "parts.py").write_text(PLUGIN)
    load_plugins(["parts.py"])


def written(text: str) -> Path:
    path = Path("study.yaml")
    path.write_text(text)
    return path


def configs(text: str = STUDY) -> dict[str, TrialConfig]:
    return {arm.name: arm.config for arm in expand(load_study(written(text))).arms}


def faults(text: str) -> list[str]:
    Path("study.yaml").write_text(text)
    with pytest.raises(StudyError) as raised:
        expand(load_study(Path("study.yaml")))
    return [str(problem) for problem in raised.value.problems]


def refused(project: Path, text: str) -> list[str]:
    (project / "wrong.py").write_text(text)
    with pytest.raises(StudyError) as raised:
        load_plugins(["wrong.py"])
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.usefixtures("loaded")
def test_arms_have_the_levels_and_every_other_the_default() -> None:
    own = {
        name: config.model_dump(include={"distance", "squared", "curve", "blocks"})
        for name, config in configs().items()
    }
    default = {"distance": 1.0, "squared": False, "curve": "leaky", "blocks": 2}
    assert own == {
        "baseline": default,
        "distance=2.0": default | {"distance": 2.0},
        "squared=true": default | {"squared": True},
        "curve=sharp": default | {"curve": "sharp"},
        "blocks=4": default | {"blocks": 4},
    }


@pytest.mark.usefixtures("loaded")
def test_a_part_is_called_with_what_the_trial_has() -> None:
    import torch

    arms = configs()
    logits = torch.tensor([0.0, 1.0])
    losses = {
        name: function_of("criterion", config)(logits, logits)[0].item()
        for name, config in arms.items()
    }
    # (d - 0), (d - 1) and (d + 0), (d + 1), each cut off at 0: means of the sum, at d = 1 and 2.
    assert losses["baseline"] == 0.5 + 1.5
    assert losses["distance=2.0"] == 1.5 + 2.5
    assert losses["squared=true"] == 0.5 + 2.5
    leaky, sharp = (
        function_of("g_activation", arms[name])() for name in ("baseline", "curve=sharp")
    )
    assert leaky(torch.tensor(-1.0)).item() == pytest.approx(-0.1)
    assert sharp(torch.tensor(-1.0)).item() == 0


@pytest.mark.usefixtures("loaded")
def test_a_data_set_is_read_with_its_settings_and_kept_for_each(project: Path) -> None:
    text = HEAD.replace("fid", "d_loss_mean").replace("[d_loss_mean]", "[d_loss]")
    text += (
        "base: {dataset: stripes, network: mlp, epochs: 1, batch_size: 2}\nablate: {bright: [9]}\n"
    )
    plan = expand(load_study(written(text)))
    fingerprints, problems = prepare_data([plan], None, project / "runs")
    assert problems == []
    read = {key.own: key for key in fingerprints}
    assert list(read) == [(("bright", 200),), (("bright", 9),)]
    for own, key in read.items():
        data = materialise(**key._asdict(), data_root=None, cache=project / "runs/data")
        assert data.images.max() == own[0][1]
        assert data.fingerprint == fingerprints[key]
    assert known_fingerprints(read.values(), project / "runs/data") == fingerprints
    assert len({trial.trial_id for trial in plan.trials}) == 2


@pytest.mark.usefixtures("loaded")
def test_only_a_trial_with_the_part_has_its_settings_and_old_ids_stay() -> None:
    text = HEAD + "base: {dataset: mnist_5k, network: mlp, epochs: 1}\n"
    text += "ablate: {criterion: [margin, hinge]}\n"
    Path("study.yaml").write_text(text)
    plan = expand(load_study(Path("study.yaml")))
    ids = {trial.arm: trial.trial_id for trial in plan.trials}
    assert getattr(plan.arms[0].config, "distance", None) is None
    assert "distance" not in plan.arms[0].config.model_dump()
    forget_plugins()
    without = {arm.arm: arm.trial_id for arm in _trials(text.replace("margin, ", ""))}
    assert without == {name: ids[name] for name in ("baseline", "criterion=hinge")}


def _trials(text: str) -> tuple[Trial, ...]:
    Path("study.yaml").write_text(text)
    return expand(load_study(Path("study.yaml"))).trials


@pytest.mark.usefixtures("loaded")
def test_other_values_are_other_trials_and_spellings_of_one_are_not() -> None:
    text = STUDY.replace("[2]", "[2, 3]").replace(
        "criterion: margin", "criterion: margin, squared: false"
    )
    trials = _trials(text)
    assert len({trial.trial_id for trial in trials}) == len(trials) == 6
    for trial in trials:
        assert trial_id(trial.config, trial.data_id) == trial.trial_id
    assert {t.trial_id for t in _trials(text.replace("[2, 3]", "[2.0, 3.0]"))} == {
        trial.trial_id for trial in trials
    }


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("distance: [9]", "9 is not allowed; a number from 0.5 to 4.0 is needed"),
        ("distance: [far]", '"far" is given; a number is needed'),
        ("blocks: [1.5]", "1.5 is given; a whole number is needed"),
        ("blocks: [-1]", "-1 is not allowed; a whole number of at least 0 is needed"),
        ("squared: [yes]", '"yes" is given; true or false is needed'),
        ("squared: [1]", "1 is given; true or false is needed"),
        ("curve: [sharpe]", "did you mean sharp?"),
        ("distanse: [2]", "did you mean distance?"),
    ],
)
def test_a_wrong_value_is_refused(given: str, expected: str) -> None:
    (message,) = faults(HEAD + BASE + f"ablate: {{{given}}}\n")
    assert expected in message
    assert "study.yaml:5" in message


@pytest.mark.usefixtures("loaded")
def test_a_setting_that_no_part_of_the_arm_has_is_refused_with_the_part_that_has_it() -> None:
    text = HEAD + "base: {dataset: mnist_5k, network: mlp, epochs: 1, blocks: 3, curve: sharp}\n"
    network, activation, criterion = faults(text + "ablate: {distance: [2]}\n")
    assert "the network mlp has no blocks; those that have it: plain" in network
    assert "the activation leaky_relu has no curve; those that have it: bend" in activation
    assert "the criterion bce has no distance; those that have it: margin" in criterion


@pytest.mark.usefixtures("loaded")
def test_a_budget_a_cross_a_search_and_an_exclusion_take_them() -> None:
    text = HEAD + BASE + "cross: {squared: [false, true], blocks: [1, 2]}\n"
    text += "exclude: [{squared: true, blocks: 1, because: too slow}]\n"
    text += "search: {distance: {uniform: [0.5, 2]}}\nsearch_trials: 2\n"
    text += "budgets: {small: {curve: sharp, cross.blocks: [0, 2]}}\n"
    Path("study.yaml").write_text(text)
    study = load_study(Path("study.yaml"))
    assert [arm.name for arm in expand(study).arms] == [
        "squared=false,blocks=1", "squared=false,blocks=2", "squared=true,blocks=2",
    ]  # fmt: skip
    small = expand(study, "small")
    assert {arm.config.model_dump()["curve"] for arm in small.arms} == {"sharp"}
    assert read_space("squared", {"choice": [True, False]}).values == (True, False)


@pytest.mark.usefixtures("loaded")
def test_editors_complete_them_and_refuse_what_a_study_may_not_give() -> None:
    import yaml

    schema = Draft202012Validator(study_schema())
    assert list(schema.iter_errors(yaml.safe_load(STUDY))) == []
    for wrong in ("squared: [1]", "curve: [sharpe]", "distance: [9]", "blocks: [1.5]"):
        given = yaml.safe_load(HEAD + BASE + f"ablate: {{{wrong}}}\n")
        assert list(schema.iter_errors(given)), wrong
    forget_plugins()
    assert list(Draft202012Validator(study_schema()).iter_errors(yaml.safe_load(STUDY)))


@pytest.mark.usefixtures("loaded")
def test_plan_and_list_show_them() -> None:
    Path("study.yaml").write_text(STUDY)
    planned = CliRunner().invoke(app, ["plan", "study.yaml", "--json", "--plugin", "parts.py"])
    settings = json.loads(planned.stdout)[0]["trials"][0]["settings"]
    assert (settings["squared"], settings["blocks"]) == (False, 2)
    shown = CliRunner().invoke(app, ["list", "criteria", "--plugin", "parts.py"]).stdout
    assert "distance 1.0 in [0.5, 4]; squared false (true|false)" in " ".join(shown.split())
    listed = CliRunner().invoke(app, ["list", "activations", "--json", "--plugin", "parts.py"])
    bend = next(part for part in json.loads(listed.stdout) if part["name"] == "bend")
    assert bend["settings"] == {"curve": {"default": "leaky", "choices": ["leaky", "sharp"]}}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"blocks": Own', '"lr": Own', "ganablate has a setting lr already"),
        ('"blocks": Own', '"fid": Own', "fid is a key of a study, a fact or a column"),
        ('"blocks": Own', '"replicates": Own', "replicates is a key of a study"),
        ('"blocks": Own', '"class": Own', "class is a word of Python"),
        ("*, curve", "*, kurve", "bend cannot be called as f(curve=...)"),
        (
            '"blocks": OwnSetting("of nothing", 2, minimum=0)',
            '"squared": OwnSetting("sides of a square", 4)',
            "squared means something else in criteria margin",
        ),
        ('"leaky", choices', '"round", choices', 'the default "round" is none of its choices'),
        ("1.0, minimum", "0.1, minimum", "the default 0.1 lies outside its minimum and maximum"),
        ("False)", "False, minimum=0)", "only a number has a minimum or a maximum"),
        ('"leaky", choices=("leaky", "sharp")', '"leaky"', "a word needs choices"),
    ],
)
def test_a_wrong_declaration_is_refused_when_the_plugin_is_loaded(
    project: Path, old: str, new: str, expected: str
) -> None:
    assert PLUGIN.count(old) == 1
    messages = refused(project, PLUGIN.replace(old, new))
    assert any(expected in message for message in messages), messages
    assert not any(setting.own for setting in SETTINGS.values())


def test_two_parts_may_share_a_setting_that_both_declare_alike(project: Path) -> None:
    shared = '"blocks": OwnSetting("of nothing", 2, minimum=0)'
    text = PLUGIN.replace('"squared": Own', f'{shared}, "squared": Own')
    text = text.replace("distance, squared):", "distance, squared, blocks):")
    (project / "parts.py").write_text(text)
    load_plugins(["parts.py"])
    assert SETTINGS["blocks"].owners == ("network", "criterion")
    assert configs()["blocks=4"].model_dump()["blocks"] == 4


def test_the_values_that_a_check_tries() -> None:
    assert OwnSetting("x", 2, minimum=0, maximum=8).examples == (2, 0, 8)
    assert OwnSetting("x", False).examples == (False, True)
    assert OwnSetting("x", 0.5).examples == (0.5,)
    assert OwnSetting("x", "a", choices=("b", "a")).examples == ("a", "b")
