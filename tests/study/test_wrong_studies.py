"""What is wrong is said at its line, with what was given and what is allowed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError

HEAD = "study: t\nbase: {dataset: mnist_5k, network: dcgan, epochs: 2}\nprimary: fid\n"
METRICS = "metrics: [fid, d_loss]\n"
CLAIM = "claims:\n  - {id: a, says: b, %s}\n"

# Each: text after the head (the first added line is line 4), the line, words of the message.
WRONG = {
    "unknown key": ("claim: []\n" + METRICS, 4, ['"claim"', "did you mean claims"]),
    "missing key": ("replicates: 2\n", 1, ['"metrics" is missing']),
    "unknown metric": ("metrics: [fid, modez]\n", 4, ['"modez"', "did you mean modes"]),
    "metric twice": ("metrics: [fid, fid]\n", 4, ["fid is given twice"]),
    "repeated key": (METRICS + "seed: 1\nseed: 2\n", 6, ['"seed" is given twice', "line 5"]),
    "alias": ("ablate: {lr: &a [1e-3], batch_size: [8]}\n" + METRICS, 4, ["anchor &a"]),
    "alias used": ("ablate:\n  lr: &a [1e-3]\n  g_lr: *a\n" + METRICS, 6, ["alias *a"]),
    "merge key": ("ablate:\n  <<: {lr: [1e-3]}\n" + METRICS, 5, ["merge key <<"]),
    "tag": ("seed: !!int 3\n" + METRICS, 4, ["tag"]),
    "empty value": ("claims:\n" + METRICS, 4, ["claims is empty"]),
    "not a number": ("ablate: {lr: [.nan]}\n" + METRICS, 4, ['".nan" is not a finite number']),
    "infinite": ("ablate: {lr: [1e999]}\n" + METRICS, 4, ['"1e999" is not a finite number']),
    "truth for a number": ("ablate: {lr: [true]}\n" + METRICS, 4, ["true is given; a number"]),
    "off for a number": ("ablate: {lr: [off]}\n" + METRICS, 4, ['"off" is given; a number']),
    "octal": ("ablate: {batch_size: [010]}\n" + METRICS, 4, ['"010"', "a whole number is needed"]),
    "fraction": ("ablate: {batch_size: [8.5]}\n" + METRICS, 4, ["8.5", "whole number"]),
    "out of range": ("ablate: {d_dropout: [1]}\n" + METRICS, 4, ["1 is not allowed", "below 1"]),
    "too small": ("ablate: {batch_size: [1]}\n" + METRICS, 4, ["of at least 2"]),
    "unknown factor": ("ablate: {dropout: [0.1]}\n" + METRICS, 4, ["did you mean d_dropout"]),
    "unknown level": ("ablate: {optimizer: [sgdd]}\n" + METRICS, 4, ["did you mean sgd?"]),
    "seed as factor": ("ablate: {seed: [1]}\n" + METRICS, 4, ["seed is not a setting"]),
    "level no list": ("ablate: {batch_size: 32}\n" + METRICS, 4, ["32 is given", "list of levels"]),
    "no levels": ("ablate: {batch_size: []}\n" + METRICS, 4, ["an empty list", "at least 1"]),
    "baseline level": ("ablate: {batch_size: [128.0]}\n" + METRICS, 4, ["the baseline's own"]),
    "equal levels": ('ablate: {d_dropout: [0.5, "0.50"]}\n' + METRICS, 4, ["given twice"]),
    "batch too large": ("ablate: {batch_size: [6000]}\n" + METRICS, 4, ["larger than the 5000"]),
    "too many images": ("ablate: {train_images: [6000]}\n" + METRICS, 4, ["more than the 5000"]),
    "wrong size": ("ablate: {image_size: [48]}\n" + METRICS, 4, ["48", "28, 32, 64, 128"]),
    "size not stated": (
        "arms: {a: {network: conv28, dataset: cifar10}}\n" + METRICS,
        4,
        ["image_size must be stated", "32 pixels"],
    ),
    "size of photographs": (
        "ablate: {dataset: [celeba]}\n" + METRICS,
        4,
        ["image_size must be stated: celeba has no one size"],
    ),
    "undeclared folder": ('ablate: {dataset: ["folder:f"]}\n' + METRICS, 4, ["declare f under"]),
    "folder channels": (
        "folders: {f: {data_id: a, channels: 4, images: 9}}\n" + METRICS,
        4,
        ["folders.f.channels", "allowed: 1, 3"],
    ),
    "sgd with beta1": ("arms: {a: {optimizer: sgd, beta1: 0.9}}\n" + METRICS, 4, ["has no beta1"]),
    "published twice": (
        "published:\n"
        "  - {arm: baseline, metric: fid, value: 1, protocol: a, source: b}\n"
        "  - {arm: baseline, metric: fid, value: 2, protocol: a, source: b}\n" + METRICS,
        6,
        ["fid of baseline is given twice", "quantity"],
    ),
    "rho to adam": ("ablate: {rho: [0.9]}\n" + METRICS, 4, ["adam has no rho", "beta1, beta2"]),
    "layers of a dcgan": (
        "ablate: {hidden_layers: [1]}\n" + METRICS,
        4,
        ["the network dcgan has no hidden_layers", "mlp"],
    ),
    "labels of a hinge": (
        "arms: {a: {criterion: hinge, real_labels: 0.9}}\n" + METRICS,
        4,
        ["the criterion hinge has no real_labels", "bce, mse, least_squares"],
    ),
    "labels beyond 1": ("ablate: {real_labels: [0.7..1.2]}\n" + METRICS, 4, ['"0.7..1.2"', "0.9"]),
    "labels backwards": ("ablate: {fake_labels: [0.3..0]}\n" + METRICS, 4, ["0.7..1"]),
    "labels no number": ("ablate: {real_labels: [soft]}\n" + METRICS, 4, ['"soft" is given']),
    "unknown schedule": (
        "ablate: {lr_schedule: [cosin]}\n" + METRICS,
        4,
        ["did you mean cosine", "constant"],
    ),
    "no steps": ("ablate: {d_steps: [0]}\n" + METRICS, 4, ["of at least 1"]),
    "weight alone": ("ablate: {penalty_weight: [3]}\n" + METRICS, 4, ["without a penalty"]),
    "both lengths": ("arms: {a: {epochs: 3, iterations: 4}}\n" + METRICS, 4, ["both epochs and"]),
    "arm is baseline": ("arms: {a: {lr: 2e-4}}\n" + METRICS, 4, ["is the baseline itself"]),
    "same arm twice": (
        "arms:\n  a: {lr: 1e-3}\n  b: {g_lr: 1e-3, d_lr: 1e-3}\n" + METRICS,
        6,
        ["same settings as the arm a"],
    ),
    "reserved name": ("arms: {baseline: {lr: 1}}\n" + METRICS, 4, ["has a meaning already"]),
    "unsafe name": ("arms: {a/b: {lr: 1}}\n" + METRICS, 4, ['"a/b" is not allowed']),
    "empty arm": ("arms: {a: {}}\n" + METRICS, 4, ["changes nothing"]),
    "uneven pair": ("arms: {a: {lr: [1, 2], batch_size: [8]}}\n" + METRICS, 4, ["equally long"]),
    "half a pair": ("arms: {a: {lr: [1, 2], batch_size: 8}}\n" + METRICS, 4, ["equally long"]),
    "compare_to": ("arms: {a: {lr: 1, compare_to: c}}\n" + METRICS, 4, ['"c" is not an arm']),
    "compare_to itself": ("arms: {a: {lr: 1, compare_to: a}}\n" + METRICS, 4, ["with itself"]),
    "compare_to in a circle": (
        "arms:\n  a: {lr: 1, compare_to: b}\n  b: {lr: 2, compare_to: a}\n"
        "  c: {lr: 3, compare_to: a}\n" + METRICS,
        5,
        ["compare_to: a -> b -> a never reaches the baseline"],
    ),
    "compare_to an excluded arm": (
        "arms:\n  a: {lr: 1, compare_to: b}\n  b: {lr: 2}\n"
        "exclude: [{lr: 2, because: no time}]\n" + METRICS,
        5,
        ["arms.a.compare_to", '"b" is left out by exclude (because: no time)'],
    ),
    "compare_to in a budget": (
        "arms: {a: {lr: 1}}\nbudgets:\n  b:\n    arms.a: {lr: 2, compare_to: a}\n" + METRICS,
        7,
        ["budgets.b.arms.a: compare_to stands at the arm itself, not in a budget"],
    ),
    "arm right at full only": (
        "arms: {big: {batch_size: 512}}\nbudgets:\n"
        "  tiny: {epochs: 1, arms.big: {batch_size: 128}}\n" + METRICS,
        6,
        ["big is the baseline itself"],
    ),
    "arm right elsewhere": (
        "arms: {big: {batch_size: 512}}\nbudgets:\n"
        "  tiny: {arms.big: {batch_size: 128}}\n  small: {arms.big: {batch_size: 64}}\n" + METRICS,
        6,
        ["big is the baseline itself"],
    ),
    "baseline no cross": ("baseline: a\n" + METRICS, 4, ["names a cell of a cross"]),
    "baseline unknown": (
        "cross: {lr: [1, 2]}\nbaseline: lr=3\n" + METRICS,
        5,
        ['"lr=3" is not an arm of the cross', "did you mean lr=2.0"],
    ),
    "idle exclude": ("exclude: [{lr: 3, because: x}]\n" + METRICS, 4, ["matches no arm"]),
    "exclude baseline": (
        "ablate: {lr: [1]}\nexclude: [{batch_size: 128, because: x}]\n" + METRICS,
        5,
        ["leaves out the baseline"],
    ),
    "exclude all": (
        "cross: {lr: [1]}\nexclude: [{lr: 1, because: x}]\n" + METRICS,
        5,
        ["no arm of the study is left"],
    ),
    "cross of both lengths": (
        "ablate: {lr: [1]}\ncross:\n  epochs: [1, 2]\n  iterations: [10, 20]\n" + METRICS,
        7,
        ["cross: epochs and iterations both set the length"],
    ),
    "cross of lengths alone": (
        "cross: {epochs: [1, 2], iterations: [10, 20]}\n"
        "baseline: epochs=1,iterations=10\nexclude: [{epochs: 1, because: x}]\n" + METRICS,
        4,
        ["cross: epochs and iterations both set the length"],
    ),
    "cross of shared and own form": (
        "cross: {lr: [1, 2], g_lr: [3]}\n" + METRICS,
        4,
        ["cross: lr and g_lr both set g_lr"],
    ),
    "level of minus zero": (
        "ablate: {d_dropout: [-0.0]}\n" + METRICS,
        4,
        ["d_dropout=0.0 is the baseline's own value"],
    ),
    "all images by number": (
        "ablate: {train_images: [5000]}\n" + METRICS,
        4,
        ["the baseline's own value"],
    ),
    "same folder twice": (
        "folders:\n  a: {data_id: x, channels: 1, images: 9}\n"
        "  b: {data_id: x, channels: 1, images: 9}\n"
        "arms:\n  c: {dataset: 'folder:a', image_size: 28, batch_size: 4}\n"
        "  d: {dataset: 'folder:b', image_size: 28, batch_size: 4}\n" + METRICS,
        9,
        ["the same settings as the arm c"],
    ),
    "switch word": (
        "ablate: {norm: [off]}\n" + METRICS,
        4,
        ['"off" is not allowed; allowed'],
    ),
    "metrics no list": ("metrics: fid\n", 4, ['"fid" is given; a list is needed: [fid]']),
    "cross emptied": (
        "cross: {lr: [1]}\nbudgets: {b: {cross.lr: []}}\n" + METRICS,
        5,
        ["cross.lr", "has no arm"],
    ),
    "exclude no reason": ("exclude: [{lr: 3}]\n" + METRICS, 4, ['"because" is missing']),
    "replicates": ("replicates: 0\n" + METRICS, 4, ["0 is given", "at least 1"]),
    "replicates truth": ("replicates: true\n" + METRICS, 4, ["not the truth value true"]),
    "seed": ("seed: -1\n" + METRICS, 4, ["-1 is given", "at least 0"]),
    "default budget": ("default_budget: ful\n" + METRICS, 4, ["did you mean full"]),
    "budget full": ("budgets: {full: {epochs: 3}}\n" + METRICS, 4, ["full is the study itself"]),
    "budget setting": ("budgets: {b: {epoch: 3}}\n" + METRICS, 4, ["did you mean epochs"]),
    "budget replicats": ("budgets: {b: {replicats: 3}}\n" + METRICS, 4, ["mean replicates"]),
    "budget restates": ("budgets: {b: {ablate.lr: [3]}}\n" + METRICS, 4, ['"ablate.lr" is not']),
    "budget touches": (
        "ablate: {lr: [1]}\nbudgets: {b: {g_lr: 3}}\n" + METRICS,
        5,
        ["varies this in ablate.lr", "state the levels"],
    ),
    "budget touches length": (
        "ablate: {epochs: [9]}\nbudgets: {b: {iterations: 3}}\n" + METRICS,
        5,
        ["varies this in ablate.epochs"],
    ),
    "only at a budget": (
        "ablate: {batch_size: [64]}\nbudgets:\n  b: {train_images: 128, d_dropout: 0.5}\n"
        "  c: {train_images: 32, ablate.batch_size: [8]}\n" + METRICS,
        7,
        ["batch_size 128 is larger than train_images 32"],
    ),
    "claim arm": (METRICS + CLAIM % "compare: {arm: lr=1, is: worse}", 6, ["lr=1", "an arm"]),
    "claim word": (METRICS + CLAIM % "compare: {arm: baseline, is: wors}", 6, ["mean worse"]),
    "claim column": (
        METRICS + CLAIM % "none_stated: {arm: baseline, metric: g_loss_mean}",
        6,
        ["did you mean d_loss_mean", "add g_loss to `metrics`"],
    ),
    "claim direction": (
        "ablate: {lr: [1]}\n"
        + METRICS
        + CLAIM % "compare: {arm: lr=1, metric: d_loss_mean, is: worse}",
        7,
        ["neither good nor bad", "lower or higher"],
    ),
    "claim budget": (METRICS + CLAIM % "budget: q, visual: {arms: all}", 6, ['"q"', "a budget"]),
    "claim no kind": (
        METRICS + "claims: [{id: a, says: b}]\n",
        5,
        ["one of compare", "none is given"],
    ),
    "claim two kinds": (
        METRICS + CLAIM % "visual: {arms: all}, none_stated: {arms: all}",
        6,
        ["visual and none_stated are given"],
    ),
    "claim margin": (
        METRICS + CLAIM % "compare: {arm: baseline, is: worse, by: 0.8x}",
        6,
        ['"0.8x"', "ratio above 1"],
    ),
    "claim within": (
        METRICS + CLAIM % "compare: {arm: baseline, is: worse, within: 2x}",
        6,
        ["`within` is for equivalent"],
    ),
    "claim by of equal points": (
        METRICS + CLAIM % "curve: {arm: baseline, metric: d/criterion, points: "
        "{at: 100%, against: 50%, is: equivalent, by: 2x}}",
        6,
        ["`by` is for a difference; equivalent takes `within`"],
    ),
    "claim within of a spread": (
        METRICS
        + CLAIM % "curve: {arms: all, metric: d/criterion, spread: {is: lower, within: 2x}}",
        6,
        ["`within` is for equivalent; lower takes `by`"],
    ),
    "claim to itself": (
        METRICS + CLAIM % "compare: {arm: baseline, to: baseline, is: worse}",
        6,
        ["with itself"],
    ),
    "claim on nothing": (
        METRICS + CLAIM % "compare: {arm: baseline, is: worse}",
        6,
        ["nothing to compare baseline with", "say to: ARM"],
    ),
    "claim on all of nothing": (
        "cross: {lr: [1, 2]}\n" + METRICS + CLAIM % "compare: {arms: all, is: worse}",
        7,
        ["nothing to compare any arm with"],
    ),
    "claim in a cross": (
        "cross: {lr: [1, 2]}\n" + METRICS + CLAIM % "compare: {arm: lr=1, is: worse}",
        7,
        ["nothing to compare lr=1 with"],
    ),
    "claim on a cross's baseline": (
        "cross: {lr: [1, 2]}\n" + METRICS + CLAIM % "visual: {arm: baseline}",
        7,
        ['"baseline" is not an arm', "a cross has none unless `baseline:` names a cell"],
    ),
    "claim on a named baseline": (
        "cross: {lr: [1, 2]}\nbaseline: lr=2\n" + METRICS + CLAIM % "visual: {arm: baseline}",
        8,
        ['"baseline" is not an arm', "this study's baseline is called lr=2.0"],
    ),
    "claim on an excluded arm": (
        "cross: {lr: [1, 2]}\nexclude: [{lr: 1.0, because: too fast}]\n"
        + METRICS
        + CLAIM % "visual: {arm: lr=1}",
        8,
        ['"lr=1" is left out by exclude (because: too fast)'],
    ),
    "claim beside a wrong baseline": (
        "cross: {lr: [1, 2]}\nbaseline: lr=3\n"
        + METRICS
        + CLAIM % "compare: {arm: lr=1, is: worse}",
        5,
        ['"lr=3" is not an arm of the cross'],
    ),
    "curve beside a wrong penalty": (
        "arms: {a: {penalty: r1, compare_to: 3}}\n"
        + METRICS
        + CLAIM % "curve: {arms: all, metric: d/penalty, trend: {is: falling}}",
        4,
        ["arms.a.compare_to", "text is needed"],
    ),
    "claim on a group": (
        "arms: {p: {lr: [1, 2], batch_size: [8, 16]}}\n"
        + METRICS
        + CLAIM % "compare: {arm: p, is: worse}",
        7,
        ['"p" is a group of paired arms', "p:lr=1.0,batch_size=8, p:lr=2.0,batch_size=16"],
    ),
    "relation to itself": (
        METRICS + CLAIM % "relation: {arms: all, metric: fid, is: above, than: fid}",
        6,
        ["fid would be compared with itself"],
    ),
    "association with itself": (
        METRICS + CLAIM % "association: {metric: fid, with: fid, is: positive}",
        6,
        ["fid would be compared with itself"],
    ),
    "reaches before itself": (
        METRICS
        + CLAIM
        % "curve: {arm: baseline, metric: d/criterion, reaches: {level: 9, before: baseline}}",
        6,
        ["baseline would be compared with itself"],
    ),
    "spread on nothing": (
        METRICS + CLAIM % "curve: {arm: baseline, metric: d/criterion, spread: {is: lower}}",
        6,
        ["nothing to compare baseline with"],
    ),
    "curve of one point": (
        METRICS + CLAIM % "curve: {arm: baseline, metric: fid, trend: {is: falling}}",
        6,
        ["fid is measured at the end only", "evaluations: 10"],
    ),
    "curve of one point at its budget": (
        "evaluations: 5\nbudgets: {b: {epochs: 1, evaluations: 1}}\n"
        + METRICS
        + "claims:\n  - {id: a, says: b, budget: b, curve: {arm: baseline, metric: fid, "
        "trend: {is: falling}}}\n",
        8,
        ["fid is measured at the end only"],
    ),
    "points of a column that is no image's": (
        "evaluations: 4\npoints: {d_loss_mean: lowest}\n" + METRICS,
        5,
        ["d_loss_mean", "a column that this study measures on images", "fid"],
    ),
    "points of an unknown kind": (
        "evaluations: 4\npoints:\n  fid: best\n" + METRICS,
        6,
        ["points.fid", '"best" is given', "last, lowest, highest, {mean_of_last: K}"],
    ),
    "mean of one point": (
        "evaluations: 4\npoints:\n  fid: {mean_of_last: 1}\n" + METRICS,
        6,
        ["mean_of_last: 1 is given", "K of 2 or more"],
    ),
    "mean of more points than there are": (
        "evaluations: 9\nbudgets: {b: {epochs: 1, evaluations: 4}}\n"
        "points: {fid: {mean_of_last: 5}}\n" + METRICS,
        6,
        ["the last 5 points are meant, and there are 4"],
    ),
    "the worst point": (
        "evaluations: 4\npoints: {fid: highest}\n" + METRICS,
        5,
        ["points.fid", "highest is not what fid can show", "lower is better"],
    ),
    "points without evaluations": (
        "points: {fid: lowest}\n" + METRICS,
        4,
        ["measured at the end only", "evaluations: 10"],
    ),
    "no evaluations": ("evaluations: 0\n" + METRICS, 4, ["evaluations", "at least 1"]),
    "curve without a penalty": (
        METRICS + CLAIM % "curve: {arms: all, metric: d/penalty, trend: {is: falling}}",
        6,
        ["no arm of this study has a penalty"],
    ),
    "claim rate": (
        METRICS + CLAIM % "outcome: {arms: all, is: fails}",
        6,
        ["at_least, at_most", "none is given"],
    ),
    "claim curve": (
        METRICS + CLAIM % "curve: {arms: all, metric: fod, trend: {is: falling}}",
        6,
        ['"fod"', "did you mean fid"],
    ),
    "claim position": (
        METRICS + CLAIM % "curve: {arms: all, metric: fid, trend: {is: falling, from: 3 years}}",
        6,
        ['"3 years"', "20 epochs"],
    ),
    "claim id twice": (
        METRICS
        + "claims:\n- {id: a, says: b, visual: {arms: all}}\n"
        + "- {id: a, says: b, visual: {arms: all}}\n",
        7,
        ["id a is given twice"],
    ),
    "published": (
        METRICS + "published: [{arm: baseline, metric: fi, value: 1, protocol: p, source: s}]\n",
        5,
        ['"fi" is not a column', "did you mean fid"],
    ),
    "published value": (
        METRICS + "published: [{arm: baseline, metric: fid, value: x, protocol: p, source: s}]\n",
        5,
        ["published.value", '"x" is given; a number'],
    ),
}


def problems(path: Path) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load_study(path)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", WRONG)
def test_says_place_given_and_allowed(name: str, write: Callable[[str], Path]) -> None:
    text, line, words = WRONG[name]
    path = write(HEAD + text)
    found = problems(path)
    at = [problem for problem in found if problem.startswith(f"{path}:{line}: ")]
    assert any(all(word in problem for word in words) for problem in at), found


SEVERAL = ("alias used", "size not stated", "same folder twice")
"""Rightly more than one problem."""


@pytest.mark.parametrize("name", [name for name in WRONG if name not in SEVERAL])
def test_one_mistake_is_one_problem(name: str, write: Callable[[str], Path]) -> None:
    found = problems(write(HEAD + WRONG[name][0]))
    assert len(found) == 1, found


def test_primary_must_be_a_column(write: Callable[[str], Path]) -> None:
    text = HEAD.replace("primary: fid", "primary: d_loss") + METRICS
    (found,) = problems(write(text))
    assert ":3: primary:" in found
    assert "d_loss_mean" in found


def test_base_must_give_what_has_no_default(write: Callable[[str], Path]) -> None:
    text = (HEAD + METRICS).replace("{dataset: mnist_5k, network: dcgan, epochs: 2}", "{lr: 1e-3}")
    found = problems(write(text))
    assert [":2: base gives no" in problem for problem in found] == [True] * 3
    assert "dataset" in found[0]
    assert "network" in found[1]
    assert "length" in found[2]


def test_one_typo_in_base_is_one_problem(write: Callable[[str], Path]) -> None:
    text = (HEAD + METRICS).replace(
        "dataset: mnist_5k", "dataset: mnist_5, optimizer: sg, momentum: 0"
    )
    found = problems(write(text + "ablate: {batch_size: [64]}\n"))
    assert len(found) == 2
    assert "did you mean mnist_5k" in found[0]
    assert "did you mean sgd" in found[1]


def test_all_problems_at_once_in_line_order(write: Callable[[str], Path]) -> None:
    text = HEAD + (
        "metrics: [fid]\n"
        "ablate: {lr: [1, x], lrr: [2]}\n"
        "replicates: 0\n"
        "budgets: {s: {epoch: 1}}\n"
        "claims:\n"
        "  - {id: a, says: b, compare: {arm: batch_size=3, is: worse}}\n"
        "  - {id: b, says: b, compare: {arm: lr=x, is: worse}}\n"
        "  - {id: c, says: b, compare: {arm: lr=1, is: worse, bye: 2}}\n"
        "  - {id: d, says: b, compare: {arm: lr=2, is: worse}}\n"
    )
    lines = [int(problem.split(":")[1]) for problem in problems(write(text))]
    # The claim on line 10 names an arm whose own mistake is on line 5: not a second problem.
    assert lines == [5, 5, 6, 7, 9, 11, 12]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["file is empty"]),
        (b"# nothing\n", ["file is empty"]),
        (b"- 1\n- 2\n", ["a list is given"]),
        (b"study: \xff\xfe\n", ["not UTF-8", "0xff"]),
        (b"study: t\n\tbase: {}\n", ["a tab", "spaces"]),
        (b"study: [1, 2\nbase: {}\n", ["not valid YAML"]),
        (b"study: t\x00\n", ["not valid YAML"]),
        (b"a: " + b"[" * 5000 + b"]" * 5000, ["nested too deeply"]),
        (b"a: 1\n---\nb: 2\n", ["second document"]),
    ],
)
def test_unreadable_text_is_a_clear_problem(
    content: bytes, words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    found = problems(path)
    assert all(any(word in problem for problem in found) for word in words), found


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.yaml") == [f"{tmp_path / 'none.yaml'}: there is no such file"]
    assert "is a folder" in problems(tmp_path)[0]
