"""One run of studies: what `ganablate run` and `ganablate.run` do.

Plans, folders and data are checked before the first trial; then come searches inside arms, the
sweep, or one sweep a look, the reports, and their copies in MLflow. What is heavy (Ray, MLflow,
pandas) is imported when its turn comes, so that wrong input is refused at once.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path

from ganablate.catalog import DataKey
from ganablate.project.folders import Project, WrongInputError
from ganablate.project.output import Output
from ganablate.project.plans import (
    budgets_without_files,
    plans_of,
    read_profile,
    table_plans,
)
from ganablate.project.reports import (
    Reports,
    send_reports,
    tracking_store,
    write_claims_page,
    write_report,
)
from ganablate.study.arms.grid import MOST_UNASKED
from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.reading.wording import unknown
from ganablate.study.schema import Study
from ganablate.study.search.records import with_recorded_searches
from ganablate.study.search.wording import search_lines
from ganablate.sweep.events import Summary
from ganablate.sweep.profile import Profile
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import state_of

FEWEST_SECONDS = 60
"""That a run can be limited to."""
_STOPPING_SECONDS = 60.0
"""Of a limited time, at most a quarter, for checkpoints, the end of Ray, and the reports."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is run of the studies, and how: the options of `ganablate run`.

    Attributes:
        seconds: How long it may take; it stops before that. None: as long as it needs.
        confirmed: The user knows how many trials that are.

    Raises:
        WrongInputError: Two options contradict each other.
    """

    budget: str | None = None
    arms: Sequence[str] | None = None
    replicates: int | None = None
    until_decided: bool = False
    max_replicates: int | None = None
    force: Sequence[str] = ()
    retry_failed: bool = False
    confirmed: bool = True
    sweep: Path | None = None
    data_root: Path | None = None
    tracking_uri: str | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        refused = {
            "--until-decided chooses arms and replicates itself; drop --arm and --replicates": (
                self.until_decided and (self.arms or self.replicates)
            ),
            "--max-replicates is for --until-decided; did you mean --replicates?": (
                self.max_replicates is not None and not self.until_decided
            ),
            "--retry-failed runs what failed and nothing else; drop --until-decided, --force": (
                self.retry_failed and (self.until_decided or self.force)
            ),
            f"at least {FEWEST_SECONDS} s are needed: a sweep takes a while to start and stop": (
                self.seconds is not None and not self.seconds >= FEWEST_SECONDS
            ),
        }
        if lines := [line for line, applies in refused.items() if applies]:
            raise WrongInputError(lines)

    @property
    def stop_at(self) -> float:
        """When sweeps stop that begin now, as a time of `time.monotonic`."""
        if self.seconds is None:
            return math.inf
        return time.monotonic() + self.seconds - min(_STOPPING_SECONDS, self.seconds / 4)


@dataclass(frozen=True)
class RunResult:
    """How the sweeps of a run went, or its search if that did not come to its end; its reports.

    Attributes:
        is_whole: Every search came to its end, and every report was written.
        unread_looks: A csv file could not be read, so replicates were not added.
    """

    summary: Summary
    reports: Reports
    is_whole: bool = True
    unread_looks: bool = False


@dataclass(frozen=True)
class Execution:
    """With what trials are executed; without the `uri` of an MLflow store nothing is tracked.

    `stop_at` is a time of `time.monotonic` at which sweeps stop.
    """

    project: Project
    profile: Profile
    uri: str | None
    fingerprints: Mapping[DataKey, str]
    output: Output
    stop_at: float = math.inf

    def sweep(self, plans: Sequence[Plan]) -> Summary:
        """Bring every trial of the plans to completion, or to the end of its retries."""
        from ganablate.sweep.runner import run_sweep
        from ganablate.tracking import MlflowTracker, NoTracker

        runs = self.project.runs
        screen = self.output.screen(plans, self.project.trials)
        try:
            return run_sweep(
                plans,
                self.profile,
                observer=screen,
                tracker=MlflowTracker(self.uri, runs, screen.warned) if self.uri else NoTracker(),
                runs=runs,
                fingerprints=self.fingerprints,
                stop_at=self.stop_at,
            )
        finally:
            screen.close()

    def search(self, study: Study, plan: Plan) -> tuple[Summary, Study, bool]:
        """Search inside each arm.

        Returns:
            How it went, the study with what was found, and whether the search came to its end.
        """
        from ganablate.sweep.search import run_search
        from ganablate.tracking import MlflowTracker

        assert self.uri is not None
        self.output.line(f"{plan.study} at {plan.budget}: searching inside each arm")
        runs = self.project.runs
        # The screen shows the name of a search alone: its trials are not known before.
        on_screen = replace(plan, budget=f"{plan.budget}, search", trials=())
        screen = self.output.screen([on_screen], self.project.trials)
        try:
            summary = run_search(
                plan,
                self.profile,
                observer=screen,
                tracker=MlflowTracker(self.uri, runs, screen.warned),
                runs=runs,
                fingerprints=self.fingerprints,
                stop_at=self.stop_at,
            )
        finally:
            screen.close()
        searched = with_recorded_searches(study, runs, self.project.results)
        searched_plan = expand(searched, plan.budget, arms=[arm.name for arm in plan.arms])
        for line in search_lines(searched_plan):
            self.output.line(line)
        is_open = searched_plan.search is not None and bool(searched_plan.search.open)
        return summary, searched, not (summary.interrupted or is_open)


def run(project: Project, studies: Sequence[Study], request: Request, output: Output) -> RunResult:
    """Run every trial of the studies that is not complete, then write the reports.

    Raises:
        StudyError: No such budget or arm, or the profile has mistakes.
        WrongInputError: Something else of the request is wrong.
        FolderError: `runs/` or `results/` cannot be written.
        DataError: A data set cannot be had. Nothing was started, as for all above.
        MachineError: The machine lacks what the profile or a trial names.
    """
    stop_at = request.stop_at
    # The table keeps the arms and replicates that are not run now. It is planned before the sweep,
    # since the file may be edited meanwhile.
    tables, plans = planned(project, studies, request)
    forced = _forced_trials(plans, request.force)
    if request.retry_failed:
        plans = _only_failed(plans, project.trials)
        if not plans:
            output.line("no trial of these studies failed: nothing to retry")
            return RunResult(_together([]), [])
    if not request.confirmed:
        _refuse_many(plans, project.trials)
    profile = read_profile(request.sweep, request.data_root, project)
    uri = tracking_store(project, request.tracking_uri, profile.tracking_uri)
    project.require_writable(tables)
    fingerprints = prepare(project, plans, profile, forced, studies)
    _retire(project.trials, forced, output)
    execution = Execution(project, profile, uri, fingerprints, output, stop_at)
    for study, plan in [] if request.retry_failed else list(zip(studies, plans, strict=True)):
        if plan.search is None or not plan.search.open:
            continue
        summary, searched, ended = execution.search(study, plan)
        if not ended:
            return RunResult(summary, [], is_whole=False)
        studies = [searched if each is study else each for each in studies]
        tables, plans = planned(project, studies, request)
    unread_looks = False
    if request.until_decided:
        summary, unread_looks = _look_by_look(execution, studies, request)
        tables = table_plans(studies, request.budget, project.results)
    else:
        summary = execution.sweep(plans)
    reports: Reports = []
    for plan in tables:
        if report := write_report(project, plan, output, anew=False):
            output.report(report)
            reports.append((plan, report))
    write_claims_page(project, output)
    send_reports(project, reports, uri, output)
    return RunResult(summary, reports, len(reports) == len(tables), unread_looks)


def planned(
    project: Project, studies: Sequence[Study], request: Request
) -> tuple[list[Plan], list[Plan]]:
    """The plans of the tables of a run, and those of what is run."""
    chosen = request.budget, request.replicates, request.arms
    tables = table_plans(studies, request.budget, project.results, *chosen[1:])
    return tables, plans_of(studies, *chosen) if request.arms or request.replicates else tables


def _forced_trials(plans: Sequence[Plan], names: Sequence[str]) -> list[str]:
    """The ids of the trials that are forced, each by its id or by its arm."""
    trials = [trial for plan in plans for trial in plan.trials]
    arms = [arm.name for plan in plans for arm in plan.arms]
    allowed = dict.fromkeys([*arms, *(trial.trial_id for trial in trials)])
    if wrong := [name for name in names if name not in allowed]:
        kind = "an arm or the id of a trial here"
        raise WrongInputError([f"--force: {unknown(kind, name, allowed)}" for name in wrong])
    forced = (trial.trial_id for trial in trials if {trial.trial_id, trial.arm} & set(names))
    return list(dict.fromkeys(forced))


def _only_failed(plans: Sequence[Plan], trials_root: Path) -> list[Plan]:
    """The plans with nothing but failed trials; plans without any are left out."""
    reduced = [
        replace(plan, trials=tuple(t for t in plan.trials if state_of(t, trials_root) == "failed"))
        for plan in plans
    ]
    return [plan for plan in reduced if plan.trials]


def _refuse_many(plans: Sequence[Plan], trials_root: Path) -> None:
    """Refuse more trials than are run without being confirmed."""
    trials = {trial.trial_id: trial for plan in plans for trial in plan.trials}
    searched = sum(plan.search.left for plan in plans if plan.search is not None)
    if len(trials) + searched <= MOST_UNASKED:
        return  # no folder need be read
    left = searched + sum(state_of(each, trials_root) != "complete" for each in trials.values())
    if left > MOST_UNASKED:
        line = (
            f"{left:,} trials to run, more than the {MOST_UNASKED:,} run unasked: "
            "add --yes if that is meant, or choose less by --budget, --arm or --replicates"
        )
        raise WrongInputError([line])


def prepare(
    project: Project,
    plans: Sequence[Plan],
    profile: Profile,
    forced: Sequence[str] = (),
    studies: Sequence[Study] = (),
) -> Mapping[DataKey, str]:
    """Read every data set once, before the first trial; returns the fingerprints of their bytes.

    Complete trials whose ids are `forced` are trained again.

    Raises:
        DataError: Some cannot be had; a line for each, and for each budget of `studies` that needs
            no files.
    """
    from ganablate.gan.pictures import DataError
    from ganablate.sweep.prepare import prepare_data

    fingerprints, problems = prepare_data(plans, profile.data_root, project.runs, forced)
    if problems:
        for study in studies:
            if names := budgets_without_files(study):
                problems.append(f"{study.name} needs no files with --budget {' or '.join(names)}")
        raise DataError("\n".join(problems))
    return fingerprints


def _retire(trials_root: Path, trial_ids: Sequence[str], output: Output) -> None:
    """Put the folders of these trials aside, with all that they hold, so that they run again.

    Where another process works on one at this moment, nothing is moved.
    """
    folders = [TrialFolder(trials_root, trial_id) for trial_id in trial_ids]
    begun = [folder for folder in folders if folder.path.exists()]
    if busy := [folder.trial_id for folder in begun if folder.is_claimed()]:
        raise WrongInputError(
            [f"--force: trial {trial_id} is being run by another process" for trial_id in busy]
        )
    for folder in begun:
        with folder.claim():
            kept = folder.retire()
        output.line(f"trained again: {folder.trial_id} (kept as {kept.name})")


def _look_by_look(
    execution: Execution, studies: Sequence[Study], request: Request
) -> tuple[Summary, bool]:
    """Run each study until its arms are decided; also whether some study's looks are unreadable.

    Where trials fail the next study goes on; an interruption ends them all.
    """
    from ganablate.project.until_decided import run_until_decided

    sweeps: list[list[Summary]] = []
    unreadable = False

    def sweep(plan: Plan) -> bool:
        summary = execution.sweep([plan])
        sweeps[-1].append(summary)
        return not (summary.interrupted or summary.failed)

    def say(line: str) -> None:
        execution.output.line(f"{study.name}: {line}")

    for study in studies:
        sweeps.append([])
        try:
            run_until_decided(
                execution.project, study, request.budget, request.max_replicates,
                sweep=sweep, say=say,
            )  # fmt: skip
        except ValueError as error:
            execution.output.error(str(error))
            unreadable = True
        if any(summary.interrupted for summary in sweeps[-1]):
            break
    return _together(sweeps), unreadable


def _together(sweeps: Sequence[Sequence[Summary]]) -> Summary:
    """The sweeps of several studies as one; later sweeps of a study repeat its earlier trials."""
    every = [summary for summaries in sweeps for summary in summaries]
    repeated = sum(each.complete for summaries in sweeps for each in summaries[:-1])
    return Summary(
        complete=sum(summary.complete for summary in every),
        failed=sum(summary.failed for summary in every),
        reused=sum(summaries[-1].reused for summaries in sweeps if summaries) - repeated,
        interrupted=any(map(attrgetter("interrupted"), every)),
        wall_seconds=sum(summary.wall_seconds for summary in every),
        failures=tuple(failure for summary in every for failure in summary.failures),
        stopped=next((summary.stopped for summary in every if summary.stopped), ""),
        out_of_time=any(map(attrgetter("out_of_time"), every)),
    )
