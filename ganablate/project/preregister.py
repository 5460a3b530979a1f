"""`preregister`: a study's question is written down before a result of it can be seen."""

from collections import Counter

from ganablate.project.folders import Project, WrongInputError
from ganablate.report.frames.history import read_history
from ganablate.report.frames.look_file import add_look, looks_lock, looks_path
from ganablate.report.frames.looks import Look, level_of, look_at
from ganablate.report.frames.question import question
from ganablate.study.plan import Plan
from ganablate.text import counted, joined
from ganablate.trials.needs import state_of


def preregister(project: Project, plan: Plan) -> tuple[Look, bool]:
    """Write the question of a plan as a row of the local `looks.csv`.

    Returns:
        The row, and whether it is new: an equal one that was there already is not written again.

    Raises:
        WrongInputError: Results can be seen already, or an arm waits for its search.
        ValueError: `looks.csv` cannot be read as one.
    """
    if plan.search is not None and plan.search.open:
        line = (
            f"study {plan.study}: its arms are searched first, so what is trained is not known yet"
        )
        raise WrongInputError([line])
    folder = project.result(plan)
    with looks_lock(project.trials):
        history = read_history(plan, folder)
        same = [past.look for past in history.same if past.is_whole]
        if seen := [look for look in same if look.kind != "preregistered"]:
            line = f"{seen[0].name}: its results were seen on {seen[0].date}"
            raise WrongInputError([f"{line}; what is asked is written in looks.csv since then"])
        _require_unseen(plan, project)
        if same and same[-1].asked == question(plan):
            return same[-1], False
        planned = Counter(trial.arm for trial in plan.trials)
        look = look_at(plan, "preregistered", planned, level_of(history.looks))
        add_look(looks_path(folder), look, history.lost)
    return look, True


def _require_unseen(plan: Plan, project: Project) -> None:
    """See that no arm can be compared yet: what it is compared with may be of another study."""
    complete = Counter(
        trial.arm for trial in plan.trials if state_of(trial, project.trials) == "complete"
    )
    references = {arm.compare_to for arm in plan.arms}
    seen = [
        arm.name
        for arm in plan.arms
        if complete[arm.name] and not (arm.compare_to is None and arm.name in references)
    ]
    if seen:
        raise WrongInputError(
            [
                f"study {plan.study}: {counted(sum(complete[name] for name in seen), 'trial')} of "
                f"{joined(seen)} complete already; a question is preregistered before it is "
                "answered: with another seed, these trials are new"
            ]
        )
