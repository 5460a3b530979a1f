"""What a name on the command line stands for: an arm of a study, or one of its trials."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ganablate.study.arms.identity import former_ids
from ganablate.study.expand import expand
from ganablate.study.plan import Plan, Trial
from ganablate.study.reading.errors import StudyError
from ganablate.study.reading.wording import listed, unknown
from ganablate.study.schema import Study

_SHORTEST_ID = 6
"""Digits of a trial's id that are enough, if no other trial's begins so."""


@dataclass(frozen=True)
class Subject:
    """An arm of a study at a budget, or a trial of it.

    `replicate` is the trial's; None: the arm is meant, with all its replicates.
    """

    study: Study
    budget: str
    arm: str
    replicate: int | None = None

    @property
    def name(self) -> str:
        """As it is shown: `lr=0.1`, or `lr=0.1 / 2` for a trial."""
        return self.arm if self.replicate is None else f"{self.arm} / {self.replicate}"


def find_all(
    names: Sequence[str], studies: Sequence[Study], budget: str | None = None
) -> list[Subject]:
    """The arms or trials of these names, all in one study at one budget.

    Args:
        names: Each an arm (`d_dropout=0` finds d_dropout=0.0), a trial's id or its first digits,
            or ARM/REPLICATE.
        studies: Where to look.
        budget: At this one; None: at each study's default one, then at the others.

    Raises:
        ValueError: They are in none, or in several; the text says what there is.
    """
    usual, others = _places(studies, budget)
    matches = _matches(names, usual) or _matches(names, others)
    if not matches:
        raise ValueError(_nowhere(names, usual))
    holders = list(dict.fromkeys(subjects[0].study.name for subjects in matches))
    if len(holders) > 1 and not any(map(_is_id, names)):
        quoted = " and ".join(f'"{name}"' for name in names)
        raise ValueError(
            f"{quoted}: in {len(holders)} studies ({listed(holders)}); name the study too, such as "
            f"studies/{holders[0]}.yaml"
        )
    return matches[0]


Places = list[tuple[Study, str]]
"""Studies, each at a budget."""


def _places(studies: Sequence[Study], budget: str | None) -> tuple[Places, Places]:
    """Where names are looked up first, and where then: at the other budgets unless one is given."""
    every = [(study, name) for study in studies for name in study.budget_names]
    usual = [(study, name) for study, name in every if name == (budget or study.default_budget)]
    if not usual:
        budgets = dict.fromkeys(name for _, name in every)
        raise ValueError(f"--budget: {unknown('a budget here', budget, budgets)}")
    return usual, [] if budget else [place for place in every if place not in usual]


def _matches(names: Sequence[str], places: Places) -> list[list[Subject]]:
    """What the names stand for, of each study and budget that has all of them."""
    matches = []
    for study, budget in places:
        plan = expand(study, budget)
        subjects = [subject for name in names if (subject := _match(name, study, plan)) is not None]
        if len(subjects) == len(names):
            matches.append(subjects)
    return matches


def _nowhere(names: Sequence[str], places: Places) -> str:
    """What to say of names that no study has together."""
    plans = [(study, expand(study, budget)) for study, budget in places]
    arms = dict.fromkeys(arm.name for _, plan in plans for arm in plan.arms)
    for name in names:
        if all(_match(name, study, plan) is None for study, plan in plans):
            return unknown("an arm or the id of a trial here", name, arms)
    return f"{' and '.join(names)} are not in one study at one budget"


def _is_id(name: str) -> bool:
    return re.fullmatch(rf"[0-9a-f]{{{_SHORTEST_ID},}}", name) is not None


def _has_id(trial: Trial, begin: str) -> bool:
    """Whether the trial's id begins so: the one it has, or one of an older record."""
    if trial.trial_id.startswith(begin):
        return True
    return any(id_.startswith(begin) for id_ in former_ids(trial.config, trial.data_id))


def _match(name: str, study: Study, plan: Plan) -> Subject | None:
    """What the name stands for in a plan; None: nothing."""
    arms = {arm.name for arm in plan.arms}
    if name in arms:
        return Subject(study, plan.budget, name)
    arm, slash, number = (part.strip() for part in name.rpartition("/"))
    if slash and arm in arms and number.isdecimal():
        count = max(sum(trial.arm == arm for trial in plan.trials), study.replicates)
        if int(number) >= count:
            raise ValueError(f"{arm} has the replicates 0 to {count - 1}; {number} is given")
        return Subject(study, plan.budget, arm, int(number))
    trials = [trial for trial in plan.trials if _is_id(name) and _has_id(trial, name)]
    if len(trials) > 1:
        ids = listed([trial.trial_id for trial in trials])
        raise ValueError(f'"{name}" begins the ids of several trials: {ids}')
    if trials:
        return Subject(study, plan.budget, trials[0].arm, trials[0].replicate)
    return _respelt(name, study, plan)


def _respelt(name: str, study: Study, plan: Plan) -> Subject | None:
    """The arm that `--arm` would find: `d_dropout=0` is d_dropout=0.0."""
    try:
        spelled = [arm.name for arm in expand(study, plan.budget, arms=[name]).arms]
    except StudyError:
        return None
    if len(spelled) > 1:
        raise ValueError(
            f'"{name}" names several arms of {study.name}; name one of: {listed(spelled)}'
        )
    return Subject(study, plan.budget, spelled[0])
