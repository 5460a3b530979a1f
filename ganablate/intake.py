"""From what the user named to plans and a profile. Raises with every problem at once."""

from collections.abc import Sequence
from pathlib import Path

from ganablate.study.errors import Problem, StudyError
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.sweep.profile import DEFAULT_PROFILE, Profile, load_profile


def read_studies(paths: Sequence[Path]) -> list[Study]:
    """Load every study.

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
    return studies


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
    studies: Sequence[Study], budget: str | None, replicates: int | None
) -> list[Plan]:
    """Plans for the tables of a run: all arms, and never fewer replicates than the study has.

    Raises:
        StudyError: As `plans_of`.
    """
    plans = plans_of(studies, budget)
    if replicates is None or all(plan.replicates >= replicates for plan in plans):
        return plans
    return plans_of(studies, budget, replicates)


def budgets_with_results(study: Study, results: Path, trials: Path) -> list[str]:
    """Budgets with committed results, or with a trial that was begun here."""
    found = []
    for name in study.budget_names:
        begun = (trials / trial.trial_id for trial in expand(study, name).trials)
        committed = results / study.name / name / "trials.csv"
        if committed.exists() or any(folder.exists() for folder in begun):
            found.append(name)
    return found


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
    return profile.model_copy(update={"data_root": root.expanduser()}) if root else profile
