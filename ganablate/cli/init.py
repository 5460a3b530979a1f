"""`init` and `schema`: a first study, and what an editor needs to help with the next."""

import json
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from ganablate.catalog import CRITERIA, DATASETS, FOLDER_PREFIX, NETWORKS
from ganablate.cli.console import err, out, print_json, print_plain, refuse
from ganablate.cli.options import DataRoot, Plugins
from ganablate.project.folders import HERE
from ganablate.project.plans import read_profile
from ganablate.study.arms.settings import SETTINGS, unknown_setting
from ganablate.study.editor.starter import DEFAULT_FACTORS, Answers, study_of
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.document import read_number
from ganablate.study.reading.errors import StudyError
from ganablate.study.reading.fields import study_name
from ganablate.study.reading.wording import unknown
from ganablate.study.schema import MOST_REPLICATES, Study

MY_STUDY = "my_study"
_ABLATE = "Settings to vary, separated by commas; NAME=LEVEL,LEVEL says which levels."

Given = TypeVar("Given")
Name = Annotated[str | None, typer.Argument(help=f"Of the study; {MY_STUDY} unless stated.")]
Dataset = Annotated[str | None, typer.Option(help="A data set, or folder:NAME for own images.")]
Network = Annotated[str | None, typer.Option(help="A pair of nets.")]
CriterionName = Annotated[str | None, typer.Option("--criterion", help="The baseline's.")]
Ablate = Annotated[list[str] | None, typer.Option("--ablate", help=f"{_ABLATE} Repeatable.")]
Times = Annotated[int | None, typer.Option(min=1, max=MOST_REPLICATES, help="Of each arm.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Of the budget `full`.")]
Asks = Annotated[str | None, typer.Option(help="The question, in a sentence.")]
Images = Annotated[int | None, typer.Option(min=2, help="How many folder:NAME holds.")]
Channels = Annotated[int | None, typer.Option(help="Of folder:NAME: 1 for grey, 3 for colour.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: what is usual.")]
OfProfiles = Annotated[bool, typer.Option("--sweep", help="Of profiles (sweeps/) instead.")]


def schema(sweep: OfProfiles = False, plugin: Plugins = None) -> None:
    """Print the JSON schema of study files, for editors with a YAML language server."""
    from ganablate.study.plugins import load_plugins

    load_plugins(plugin or [])
    print_json(_schema(profiles=sweep))


def _schema(*, profiles: bool = False) -> dict[str, Any]:
    from ganablate.study.editor.json_schema import study_schema
    from ganablate.study.editor.json_values import model_schema
    from ganablate.sweep.profile import Profile

    return model_schema(Profile, "A profile of ganablate") if profiles else study_schema()


def init(  # noqa: PLR0913 - one parameter an answer
    name: Name = None,
    dataset: Dataset = None,
    network: Network = None,
    criterion: CriterionName = None,
    ablate: Ablate = None,
    replicates: Times = None,
    epochs: Epochs = None,
    asks: Asks = None,
    images: Images = None,
    channels: Channels = None,
    data_root: DataRoot = None,
    yes: Yes = False,
) -> None:
    """Write a first study, commented and checked, after a few questions.

    What is given as an option is not asked; without a terminal, or with --yes, nothing is.
    """
    asker = _Asker(at_terminal=sys.stdin.isatty() and not yes)
    called = asker.answer("Name of the study", name, MY_STUDY, _free_name)
    data = asker.answer(
        f"Images ({', '.join(DATASETS)}, or folder:NAME for own ones)",
        dataset, "mnist_5k", _dataset,
    )  # fmt: skip
    own_images = data.startswith(FOLDER_PREFIX)
    if own_images:
        found = _files_in(data.removeprefix(FOLDER_PREFIX), data_root)
        images = asker.number("How many images it holds", images, found, "--images")
        channels = asker.number("Channels (1: grey, 3: colour)", channels, 3, "--channels", (1, 3))
    net = asker.answer(
        f"Network ({', '.join(NETWORKS)})", network, "dcgan", _one_of("a network", NETWORKS)
    )
    answers = Answers(
        name=called,
        dataset=data,
        network=net,
        criterion=asker.answer(
            f"Criterion of the baseline ({', '.join(CRITERIA)})",
            criterion, "bce", _one_of("a criterion", CRITERIA),
        ),
        ablate=asker.answer(
            f"What to ablate ({', '.join(DEFAULT_FACTORS)}, lr, d_dropout, norm, ...)",
            ",".join(ablate) if ablate else None, ",".join(DEFAULT_FACTORS), factors_of,
        ),
        replicates=asker.number("Replicates of each arm", replicates, 3, "--replicates"),
        epochs=asker.number("Epochs at the budget full", epochs, 50, "--epochs"),
        asks=asks,
        images=images,
        channels=channels or 3,
    )  # fmt: skip
    _write(answers)


def factors_of(text: str) -> dict[str, tuple[Any, ...]]:
    """Factors and their levels: `norm, lr=1e-4,1e-3` is {norm: (), lr: (1e-4, 1e-3)}.

    Raises:
        ValueError: a name is no setting, or a level stands where a name must.
    """
    factors: dict[str, tuple[Any, ...]] = {}
    last = ""
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, level = (piece.strip() for piece in part.partition("="))
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


@dataclass(frozen=True)
class _Asker:
    """Takes an answer from its option, else from the user, else what is usual."""

    at_terminal: bool

    def answer(
        self, question: str, given: str | None, usual: str, read: Callable[[str], Given]
    ) -> Given:
        """What `read` makes of the answer; a wrong one is asked for again at a terminal."""
        if given is not None or not self.at_terminal:
            try:
                return read(usual if given is None else given)
            except ValueError as error:
                refuse([str(error)])
        while True:
            try:
                return read(typer.prompt(question, default=usual))
            except ValueError as error:
                err.print(str(error), style="yellow", markup=False, highlight=False, soft_wrap=True)

    def number(
        self,
        question: str,
        given: int | None,
        usual: int | None,
        option: str,
        allowed: Collection[int] | None = None,
    ) -> int:
        """A whole number of 1 or more, or one of those allowed."""

        def read(text: str) -> int:
            if text.isdecimal() and (int(text) in allowed if allowed else int(text) > 0):
                return int(text)
            if not text:
                raise ValueError(f"{option} N is needed: {question[0].lower()}{question[1:]}")
            needed = " or ".join(map(str, allowed)) if allowed else "a whole number of 1 or more"
            raise ValueError(f'"{text}" is given; {needed} is needed: {option} N')

        return self.answer(question, None if given is None else str(given), str(usual or ""), read)


def _one_of(what: str, table: Collection[str]) -> Callable[[str], str]:
    def read(given: str) -> str:
        if given not in table:
            raise ValueError(unknown(what, given, table))
        return given

    return read


def _dataset(given: str) -> str:
    if given.removeprefix(FOLDER_PREFIX) and given.startswith(FOLDER_PREFIX):
        return given
    return _one_of("a data set", [*DATASETS, "folder:NAME"])(given)


def _free_name(given: str) -> str:
    """A name for which there is no file yet."""
    path = Path(given)
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise ValueError(f'"{given}" is a path; give the name alone: ganablate init {path.stem}')
    file = HERE.studies / f"{study_name(given)}.yaml"
    if file.exists():
        raise ValueError(
            f"{file} is there already and stays as it is; take another name: "
            f"ganablate init {_next_name(given)}"
        )
    return given


def _next_name(name: str) -> str:
    number = 2
    while (HERE.studies / f"{name}_{number}.yaml").exists():
        number += 1
    return f"{name}_{number}"


def _files_in(folder: str, data_root: Path | None) -> int | None:
    """Images under the data root's folder of that name; None: it is not there yet."""
    from ganablate.gan.pictures import DataError, image_files

    root = read_profile(data_root=data_root).data_root or HERE.runs / "downloads"
    try:
        return len(image_files(root / folder))
    except DataError:
        return None


def _level(text: str) -> Any:
    number = read_number(text)
    return text if number is None else number


def _write(answers: Answers) -> None:
    from ganablate.cli.plan_text import size
    from ganablate.study.editor.json_schema import STUDY_SCHEMA
    from ganablate.study.editor.starter_text import render

    try:
        text = render(study_of(answers))
        plan = expand(_checked(answers.name, text))
    except ValueError as error:
        refuse([str(error)])
    HERE.studies.mkdir(exist_ok=True)
    path = HERE.studies / f"{answers.name}.yaml"
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    schema_file = HERE.studies / STUDY_SCHEMA
    if not schema_file.exists():
        schema_file.write_text(json.dumps(_schema(), indent=1) + "\n", encoding="utf-8")
    out.print(f"{path}: {size(plan)}", highlight=False, soft_wrap=True)
    steps = {
        f"ganablate plan {path}": "its arms and trials",
        f"ganablate run {path} --budget smoke": "does it run?",
        f"ganablate run {path}": f"its table, at the budget {plan.budget}",
        "ganablate ui": "curves and samples",
    }
    width = max(map(len, steps))
    print_plain("next: read it, change it, and")
    for command, what in steps.items():
        print_plain(f"  {command:{width}}   # {what}")


def _checked(name: str, text: str) -> Study:
    """The study of a text that is no file yet.

    Raises:
        ValueError: it has mistakes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            return load_study(path)
        except StudyError as error:
            raise ValueError("\n".join(problem.message for problem in error.problems)) from None
