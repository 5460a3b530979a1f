"""`init` and `schema`: a first study, and what an editor needs to help with the next."""

import itertools
import json
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ganablate.catalog import DATASETS, FOLDER_PREFIX, NETWORKS, SETTINGS
from ganablate.cli.console import out, print_json, print_plain, refuse
from ganablate.cli.options import Plugins
from ganablate.cli.plan import size
from ganablate.project.folders import HERE
from ganablate.study.arms.settings import unknown_setting
from ganablate.study.editor.json_schema import STUDY_SCHEMA, study_schema
from ganablate.study.editor.starter import DEFAULT_FACTORS, Answers, new_study
from ganablate.study.expand import expand
from ganablate.study.reading.document import read_number
from ganablate.study.reading.fields import NAME, study_name
from ganablate.study.reading.wording import unknown
from ganablate.text import aligned

MY_STUDY = "my_study"
_ABLATE = "Settings to vary, separated by commas; NAME=LEVEL,LEVEL says which levels."

Value = TypeVar("Value")
Name = Annotated[str | None, typer.Argument(help=f"Of the study; {MY_STUDY} unless stated.")]
Dataset = Annotated[str | None, typer.Option(help="A data set, or folder:NAME for own images.")]
Network = Annotated[str, typer.Option(help="A pair of nets.")]
Ablate = Annotated[list[str] | None, typer.Option("--ablate", help=f"{_ABLATE} Repeatable.")]
Images = Annotated[int | None, typer.Option(min=2, max=10**9, help="How many folder:NAME holds.")]
Channels = Annotated[int, typer.Option(help="Of folder:NAME: 1 for grey, 3 for colour.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: what is usual.")]
OfProfiles = Annotated[bool, typer.Option("--sweep", help="Of profiles (sweeps/) instead.")]


def schema(sweep: OfProfiles = False, plugin: Plugins = None) -> None:
    """Print the JSON schema of study files, for editors with a YAML language server."""
    if not sweep:
        print_json(study_schema())
        return
    from ganablate.study.editor.json_schema import model_schema
    from ganablate.sweep.profile import Profile

    print_json(model_schema(Profile, "A profile of ganablate"))


def init(  # noqa: PLR0913 - one parameter an answer
    name: Name = None,
    dataset: Dataset = None,
    network: Network = "dcgan",
    ablate: Ablate = None,
    images: Images = None,
    channels: Channels = 3,
    yes: Yes = False,
) -> None:
    """Write a first study, commented and checked, after a few questions.

    What is given as an option is not asked; without a terminal, or with --yes, nothing is.
    """
    asks = sys.stdin.isatty() and not yes
    title = _answer("Name of the study", name, MY_STUDY, _free_name, asks)
    choices = f"Images ({', '.join(DATASETS)}, or folder:NAME for own ones)"
    data = _answer(choices, dataset, "mnist_5k", _dataset, asks)
    usual = ",".join(DEFAULT_FACTORS)
    factors = ",".join(ablate) if ablate else None
    levels = _answer(f"What to ablate ({usual}, lr, ...)", factors, usual, factors_of, asks)
    if data.startswith(FOLDER_PREFIX) and images is None:
        refuse([f"--images N is needed: how many images {data} holds"])
    try:
        answers = Answers(
            name=title,
            ablate=levels,
            dataset=data,
            network=_one_of("a network", network, NETWORKS),
            images=images or 0,
            channels=int(_one_of("a number of channels", str(channels), ("1", "3"))),
        )
        text, study = new_study(answers)
    except ValueError as error:
        refuse([str(error)])
    HERE.studies.mkdir(exist_ok=True)
    path = HERE.studies / f"{title}.yaml"
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    schema_file = HERE.studies / STUDY_SCHEMA
    if not schema_file.exists():
        schema_file.write_text(json.dumps(study_schema(), indent=1) + "\n", encoding="utf-8")
    out.print(f"{path}: {size(expand(study))}", highlight=False, soft_wrap=True)
    steps = [
        (f"  ganablate plan {path}", "# its arms and trials"),
        (f"  ganablate run {path} --budget smoke", "# does it run?"),
        (f"  ganablate run {path}", "# its table"),
        ("  ganablate ui", "# curves and samples"),
    ]
    print_plain("next: read it, change it, and", *aligned(steps, width=sys.maxsize))  # to be copied


def _answer(
    question: str, given: str | None, usual: str, read: Callable[[str], Value], asks: bool
) -> Value:
    """What `read` makes of the option given, else of the user's answer, else of what is usual."""

    def reads(text: str) -> Value:
        try:
            return read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None  # which is asked for again

    if asks and given is None:
        answer: Value = typer.prompt(question, default=usual, value_proc=reads)
        return answer
    try:
        return read(usual if given is None else given)
    except ValueError as error:
        refuse([str(error)])


def factors_of(text: str) -> dict[str, tuple[Any, ...]]:
    """Factors and their levels: `norm, lr=1e-4,1e-3` is {norm: (), lr: (1e-4, 1e-3)}.

    Raises:
        ValueError: a name is no setting, or a level stands where a name must.
    """
    factors: dict[str, tuple[Any, ...]] = {}
    last = ""
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, level = map(str.strip, part.partition("="))
        if not equals and name not in SETTINGS and factors.get(last):
            factors[last] += (_level(name),)
            continue
        if name not in SETTINGS:
            raise ValueError(unknown_setting(name, "ablate"))
        last = name
        factors[name] = (_level(level),) if equals else ()
    if not factors:
        raise ValueError(f"nothing to ablate is given; such as {','.join(DEFAULT_FACTORS)}")
    return factors


def _level(text: str) -> Any:
    number = read_number(text)
    return text if number is None else number


def _one_of(kind: str, given: str, allowed: Collection[str]) -> str:
    if given not in allowed:
        raise ValueError(unknown(kind, given, allowed))
    return given


def _dataset(given: str) -> str:
    if given.startswith(FOLDER_PREFIX) and NAME.fullmatch(given.removeprefix(FOLDER_PREFIX)):
        return given
    return _one_of("a data set", given, [*DATASETS, "folder:NAME"])


def _free_name(given: str) -> str:
    """A name for which there is no file yet."""
    path = Path(given)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise ValueError(f'"{given}" is a path; give the name alone: ganablate init {path.stem}')
    file = HERE.studies / f"{study_name(given)}.yaml"
    if file.exists():
        names = (f"{given}_{number}" for number in itertools.count(2))
        free = next(name for name in names if not (HERE.studies / f"{name}.yaml").exists())
        raise ValueError(
            f"{file} is there already and stays as it is; take another name: ganablate init {free}"
        )
    return given
