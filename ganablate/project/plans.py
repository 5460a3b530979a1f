"""From what the user named to plans and a profile. Raises with every problem at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ganablate.catalog import DATASETS, METRICS, PROBES, Metric, Probe
from ganablate.study.checks.check import check
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import Problem, StudyError
from ganablate.study.reading.wording import show, unknown_part
from ganablate.study.schema import Study
from ganablate.study.search.records import recalled
from ganablate.sweep.profile import DEFAULT_PROFILE, Profile, load_profile
from ganablate.trials.needs import status_of


def read_studies(
    paths: Sequence[Path], runs: Path | None = Path("runs"), results: Path = Path("results")
) -> list[Study]:
    """Load every study, with what searches found that `runs` or `results` know.

    Without `runs` it is what published records know, if `results` is their folder.

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
    return [recalled(study, runs, results) for study in studies]


def with_more(study: Study, metrics: Sequence[str], probes: Sequence[str]) -> Study:
    """The study with more to measure, behind what it measures itself.

    Raises:
        StudyError: A name is unknown, or it cannot be measured on some arm of this study.
    """
    problems = [
        *_unknown("--metric", "a metric", metrics, METRICS, PROBES),
        *_unknown("--probe", "a probe", probes, PROBES, METRICS),
    ]
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


_OPTIONS = {"--metric": "--probe", "--probe": "--metric"}


def _unknown(
    option: str,
    what: str,
    names: Sequence[str],
    table: Mapping[str, Metric] | Mapping[str, Probe],
    other: Mapping[str, Metric] | Mapping[str, Probe],
) -> Iterator[Problem]:
    """Names that are not of the table; one that is elsewhere in the catalog is told where."""
    for name in names:
        if name in table:
            continue
        message = unknown_part(what, name, table)
        owner = next((key for key, line in table.items() if name in line.columns), None)
        if owner:
            message = f'"{name}" is a column of {owner}: {option} {owner}'
        elif name in other:
            message = f'"{name}" is not {what}: {_OPTIONS[option]} {name}'
        yield Problem(option, message)


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


def plans_of_tables(
    studies: Sequence[Study],
    budget: str | None,
    results: Path,
    replicates: int | None = None,
    arms: Sequence[str] | None = None,
) -> list[Plan]:
    """Plans for the tables of a run: all arms, and no replicate less than was ever seen.

    Args:
        studies: The studies.
        budget: As for `plans_of`.
        results: The folder of results, which say what was seen.
        replicates: Of the arms that are run; the others keep theirs.
        arms: Those that are run; None: all.

    Raises:
        StudyError: As `plans_of`.
        ValueError: A study's `looks.csv` cannot be read as one.
    """
    # Imported here: pandas and scipy take a second, and `plan` does not need them.
    from ganablate.report.frames.looks import looked_plan

    plans = [looked_plan(study, budget, results)[0] for study in studies]
    if replicates is None:
        return plans
    wider = []
    for study, plan in zip(studies, plans, strict=True):
        own = Counter(trial.arm for trial in plan.trials)
        run = {arm.name for arm in expand(study, budget, arms=arms).arms}
        counts = {name: max(n, replicates) if name in run else n for name, n in own.items()}
        wider.append(expand(study, budget, replicates=counts))
    return wider


def budgets_with_records(study: Study, root: Path, trials: Path | None = None) -> list[str]:
    """Budgets with a record.

    Args:
        study: The study.
        root: The folder of local results, or that of published ones.
        trials: Holds one folder a trial: a budget counts too if one of its trials was trained for
            it, and not if another study trained what it shares. None: records alone count.
    """
    return [
        name
        for name in study.budget_names
        if (root / study.name / name / "trials.csv").exists()
        or (trials is not None and _trained(expand(study, name), trials))
    ]


def _trained(plan: Plan, trials: Path) -> bool:
    """Whether a trial of the plan was completed for it."""
    own = plan.study, plan.budget
    begun = (trial for trial in plan.trials if (trials / trial.trial_id).exists())
    statuses = (status_of(trial, trials) for trial in begun)
    origins = (one.origin or {} for one in statuses if one.state == "complete")
    # A folder that does not say what it was trained for may well be of this plan.
    return any((one.get("study", own[0]), one.get("budget", own[1])) == own for one in origins)


def budgets_without_files(study: Study) -> list[str]:
    """Budgets whose images ship with a package and are measured with shipped weights."""
    return [
        name
        for name in study.budget_names
        if study.extractor_at(name) is None
        and all(
            arm.config.dataset in DATASETS and DATASETS[arm.config.dataset].embedded
            for arm in expand(study, name).arms
        )
    ]


def read_profile(path: Path | None = None, data_root: Path | None = None) -> Profile:
    """The profile named, else the default file, else, where there is none, the defaults.

    Args:
        path: Of the profile.
        data_root: Replaces the profile's.

    Raises:
        StudyError: With every problem of the file.
    """
    if path is None and not DEFAULT_PROFILE.exists():
        profile = Profile()  # a folder without sweeps/ is no mistake
    else:
        profile = load_profile(path or DEFAULT_PROFILE)
    root = data_root or profile.data_root
    if root is None:
        return profile
    option = "--data-root" if data_root else f"{path or DEFAULT_PROFILE}, data_root"
    return profile.model_copy(update={"data_root": _folder(root, option)})


def _folder(given: Path, option: str) -> Path:
    """The folder named, which need not be there yet; it must not be something else.

    Raises:
        StudyError: It cannot be a folder.
    """
    try:
        folder = given.expanduser()
        is_other = folder.exists() and not folder.is_dir()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudyError(
            [Problem(option, f"{show(str(given))}: {reason}; name a folder")]
        ) from None
    if is_other or "\0" in str(given):
        raise StudyError(
            [
                Problem(
                    option,
                    f"{show(str(given))} is no folder; name the one that holds the data sets",
                )
            ]
        )
    return folder
