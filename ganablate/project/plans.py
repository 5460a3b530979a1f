"""From what the user named to studies, plans and a profile. Every problem is raised at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ganablate.catalog import DATASETS, METRICS, PROBES, Metric, Probe
from ganablate.project.folders import HERE, Project, WrongInputError
from ganablate.study.checks.check import check
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import Problem, StudyError
from ganablate.study.reading.wording import show, unknown_part
from ganablate.study.schema import Study
from ganablate.study.search.records import with_recorded_searches
from ganablate.sweep.profile import DEFAULT_PROFILE, Profile, load_profile
from ganablate.trials.needs import status_of


def read_studies(
    paths: Sequence[Path], project: Project = HERE, *, published: bool = False
) -> list[Study]:
    """Load every study, with what the project knows that searches found.

    With `published` it is what published results know, and nothing else.

    Raises:
        StudyError: With the problems of all of them.
    """
    studies: list[Study] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            studies.append(load_study(path))
        except StudyError as error:
            problems += error.problems
    names = [study.name for study in studies]
    for path, name in zip(paths, names, strict=False):
        if names.count(name) > 1:
            message = f"study: {name} is also the name of another file given; results would mix"
            problems.append(Problem(str(path), message))
    if problems:
        raise StudyError(problems)
    if published:
        return [with_recorded_searches(study, None, project.published) for study in studies]
    return [with_recorded_searches(study, project.runs, project.results) for study in studies]


def with_more(study: Study, metrics: Sequence[str], probes: Sequence[str]) -> Study:
    """The study with more to measure, behind what it measures itself.

    Raises:
        StudyError: A name is unknown, or it cannot be measured on some arm of this study.
    """
    problems = [*_unknown("metric", metrics), *_unknown("probe", probes)]
    wider = study.model_copy(
        update={
            "metrics": tuple(dict.fromkeys([*study.metrics, *metrics])),
            "probes": tuple(dict.fromkeys([*study.probes, *probes])),
        }
    )
    if not problems:
        problems = [Problem(f"study {study.name}", fault.message) for fault in check(wider)]
    if problems:
        raise StudyError(problems)
    return wider


def _unknown(kind: str, names: Sequence[str]) -> Iterator[Problem]:
    """Names of no metric or probe; if the catalog has one elsewhere, the message says where."""
    tables: dict[str, Mapping[str, Metric | Probe]] = {"metric": {**METRICS}, "probe": {**PROBES}}
    table = tables.pop(kind)
    ((other_kind, other_table),) = tables.items()
    for name in names:
        if name in table:
            continue
        message = unknown_part(f"a {kind}", name, table)
        owner = next((key for key, part in table.items() if name in part.columns), None)
        if owner:
            message = f'"{name}" is a column of {owner}: --{kind} {owner}'
        elif name in other_table:
            message = f'"{name}" is not a {kind}: --{other_kind} {name}'
        yield Problem(f"--{kind}", message)


def plans_of(
    studies: Sequence[Study],
    budget: str | None = None,
    replicates: int | None = None,
    arms: Sequence[str] | None = None,
) -> list[Plan]:
    """Expand every study.

    Raises:
        StudyError: A study has no such budget or arm.
    """
    return [expand(study, budget, replicates=replicates, arms=arms) for study in studies]


def table_plans(
    studies: Sequence[Study],
    budget: str | None,
    results: Path,
    replicates: int | None = None,
    arms: Sequence[str] | None = None,
) -> list[Plan]:
    """Plans for the tables of a run: all arms, and no replicate less than was ever seen.

    `results` is the folder of local or published results, which say what was seen. `arms` are those
    that are run, None: all, with so many `replicates`; the others keep theirs.

    Raises:
        StudyError: As `plans_of`.
        WrongInputError: `looks.csv` cannot be read as one.
    """
    # Imported here: pandas and scipy take a second, and `plan` does not need them.
    from ganablate.report.frames.history import looked_plan

    try:
        plans = [looked_plan(study, budget, results)[0] for study in studies]
    except ValueError as error:
        raise WrongInputError([str(error)]) from error
    if replicates is None:
        return plans
    wider = []
    for study, plan in zip(studies, plans, strict=True):
        planned = Counter(trial.arm for trial in plan.trials)
        run = {arm.name for arm in expand(study, budget, arms=arms).arms}
        counts = {name: max(n, replicates) if name in run else n for name, n in planned.items()}
        wider.append(expand(study, budget, replicates=counts))
    return wider


def budgets_with_results(
    study: Study, project: Project = HERE, *, published: bool = False
) -> list[str]:
    """The study's budgets with local or published results.

    A budget has local ones too if one of its trials was trained for it; a trial that it shares with
    another study, which trained it, does not count.
    """
    root = project.published if published else project.results
    return [
        name
        for name in study.budget_names
        if (root / study.name / name / "trials.csv").exists()
        or (not published and _is_trained(expand(study, name), project.trials))
    ]


def _is_trained(plan: Plan, trials: Path) -> bool:
    """Whether a trial of the plan was completed for it."""
    place = {"study": plan.study, "budget": plan.budget}
    for trial in plan.trials:
        if (trials / trial.trial_id).exists():
            status = status_of(trial, trials)
            # A folder that does not say what it was trained for may well be of this plan.
            origin = {**place, **(status.origin or {})}
            if status.state == "complete" and place.items() <= origin.items():
                return True
    return False


def budgets_without_files(study: Study) -> list[str]:
    """Budgets whose images ship with a package and are measured with shipped weights."""
    embedded = {name for name, dataset in DATASETS.items() if dataset.embedded}
    return [
        name
        for name in study.budget_names
        if study.extractor_at(name) is None
        and all(arm.config.dataset in embedded for arm in expand(study, name).arms)
    ]


def read_profile(
    path: Path | None = None, data_root: Path | None = None, project: Project = HERE
) -> Profile:
    """The profile at `path`, else the project's default file, else, without one, the defaults.

    A `data_root` given here replaces the profile's.

    Raises:
        StudyError: With every problem of the file.
    """
    file = path or project.root / DEFAULT_PROFILE
    # A folder without sweeps/ is no mistake.
    profile = load_profile(file) if path or file.exists() else Profile()
    root = data_root or profile.data_root
    if root is None:
        return profile
    option = "--data-root" if data_root else f"{file}, data_root"
    return profile.model_copy(update={"data_root": _folder(root, option)})


def _folder(given: Path, option: str) -> Path:
    """The folder named, which need not be there yet; a StudyError if it cannot be a folder."""
    try:
        folder = given.expanduser()
        if (not folder.exists() or folder.is_dir()) and "\0" not in str(given):
            return folder
        message = f"{show(str(given))} is no folder; name the one that holds the data sets"
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"{show(str(given))}: {reason}; name a folder"
    raise StudyError([Problem(option, message)])
