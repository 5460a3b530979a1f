"""ganablate from Python: a study in, a pandas frame out; the commands do the same for a terminal.

`import ganablate` has these names and imports nothing else until one is used. Trials and results
lie where the commands have them, in `runs/` and `results/` of a project's folder.

Example:
    >>> import ganablate
    >>> study = ganablate.load_study("studies/quickstart.yaml")
    >>> ganablate.run(study, "smoke").complete
    4
    >>> ganablate.table(study, "smoke")[["arm", "fid"]]
"""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganablate.project.folders import HERE, Project
from ganablate.study.expand import expand
from ganablate.study.load import load_study as _load_study
from ganablate.study.plan import Plan
from ganablate.study.schema import Study

if TYPE_CHECKING:
    import pandas as pd

    from ganablate.report.analysis import Analysis
    from ganablate.report.show.pair import Pair
    from ganablate.sweep.events import Summary

AnyPath = str | os.PathLike[str]


def load_study(path: AnyPath, *, plugins: Sequence[str] = ()) -> Study:
    """Read and check a study file at all its budgets.

    Args:
        path: Of the YAML.
        plugins: Modules, or .py files, that bring parts of your own; installed ones come anyway.

    Returns:
        The study as written, frozen: `study.name`, `study.asks`, `study.base`, `study.metrics`,
        `study.primary`, `study.budget_names`, ...

    Raises:
        ganablate.study.errors.StudyError: With every mistake of the file, a line each.

    Example:
        >>> ganablate.load_study("studies/quickstart.yaml").budget_names
        ('full', 'smoke')
    """
    from ganablate.study.plugins import load_plugins
    from ganablate.study.search.records import with_recorded_searches

    load_plugins(plugins)
    return with_recorded_searches(_load_study(Path(path)), HERE.runs, HERE.results)


def _as_study(study: Study | AnyPath) -> Study:
    return study if isinstance(study, Study) else load_study(study)


def plan(
    study: Study | AnyPath,
    budget: str | None = None,
    *,
    arms: Sequence[str] | None = None,
    replicates: int | None = None,
) -> Plan:
    """What a study expands to, without running anything.

    Args:
        study: From `load_study`, or the path of a study file.
        budget: One of `study.budget_names`; None: the study's `default_budget`.
        arms: Names of the arms to keep; the baseline is not added to them. None: all.
        replicates: Of each arm, at least 1; None: as the study and the budget say.

    Returns:
        `arms` (the baseline first; `name`, `changes`, `compare_to`, `config`) and `trials`, arm by
        arm (`trial_id`, `arm`, `replicate`, `config`).

    Raises:
        ganablate.study.errors.StudyError: The study has no such budget or arm.

    Example:
        >>> plan = ganablate.plan(study, "smoke")
        >>> len(plan.arms), len(plan.trials)
        (4, 4)
    """
    from ganablate.study.search.records import with_recorded_searches

    study = with_recorded_searches(_as_study(study), HERE.runs, HERE.results)
    return expand(study, budget, replicates=replicates, arms=arms)


def run(  # noqa: PLR0913 - one parameter an option of the command
    study: Study | AnyPath,
    budget: str | None = None,
    *,
    arms: Sequence[str] | None = None,
    replicates: int | None = None,
    until_decided: bool = False,
    max_replicates: int | None = None,
    force: Sequence[str] = (),
    retry_failed: bool = False,
    sweep: AnyPath | None = None,
    data_root: AnyPath | None = None,
    tracking_uri: str | None = None,
    seconds: float | None = None,
    folder: AnyPath = HERE.root,
    quiet: bool = False,
) -> "Summary":
    """Run every trial that is not complete yet, then write the report: `ganablate run`.

    A notebook's interrupt, or Ctrl-C, stops it cleanly, and the same call goes on from there. It
    may be called beside an event loop; in another thread than the main one nothing interrupts it.

    Args:
        study: From `load_study`, or the path of a study file.
        budget: One of `study.budget_names`; None: the study's `default_budget`.
        arms: Only these; None: all. The report keeps the others' numbers.
        replicates: Of the arms that are run; None: as the study and the budget say.
        until_decided: Add replicates for the arms that are not decided yet, at looks declared
            before the first one; it chooses arms and replicates itself.
        max_replicates: At the last look of `until_decided`, at least 2; None: 10.
        force: Arms, and ids of trials, that are trained again though complete; what there is of
            them is put aside, not deleted.
        retry_failed: Run the trials that failed, and no others.
        sweep: A profile (YAML); None: `sweeps/laptop.yaml` of the folder, else the defaults.
        data_root: Where data sets lie; None: the profile's, else `runs/downloads` of the folder.
        tracking_uri: The MLflow store; None: $MLFLOW_TRACKING_URI, the profile's, or
            `runs/mlflow.db` of the folder.
        seconds: How long it may take, at least 60: it stops before that. None: to its end.
        folder: The project's: holds `runs/` and `results/`.
        quiet: Print nothing; else a line a trial, or a live screen on a terminal.

    Returns:
        How many trials this call completed (`complete`), how many failed on their last attempt
        (`failed`; `failures` says why), how many were complete before (`reused`), whether someone
        or the time stopped it (`interrupted`) or something did (`stopped`), and its seconds
        (`wall_seconds`).

    Raises:
        ganablate.study.errors.StudyError: No such budget or arm, or the profile has mistakes.
        ganablate.gan.data.DataError: A data set cannot be had; nothing was started.
        ganablate.sweep.machine.MachineError: No GPU where one is named; Ray imported before.
        ValueError: `tracking_uri`, `force`, or two arguments together are not what they should be;
            or a file in `results/`.
        OSError: `runs/` or `results/` cannot be written.

    Example:
        >>> ganablate.run(study, "smoke", quiet=True).failed
        0
    """
    from rich.console import Console

    from ganablate.project import run as running
    from ganablate.project.output import Output
    from ganablate.study.search.records import with_recorded_searches

    project = Project(Path(folder))
    # A notebook calls itself a terminal, and can redraw nothing: there it is a line a trial.
    terminal = False if Console().is_jupyter else None
    output = Output(Console(force_jupyter=False, force_terminal=terminal, quiet=quiet))
    request = running.Request(
        budget=budget, arms=arms, replicates=replicates, until_decided=until_decided,
        max_replicates=max_replicates, force=force, retry_failed=retry_failed,
        sweep=None if sweep is None else Path(sweep),
        data_root=None if data_root is None else Path(data_root), tracking_uri=tracking_uri,
        seconds=seconds,
    )  # fmt: skip
    study = with_recorded_searches(_as_study(study), project.runs, project.results)
    result = running.run(project, [study], request, output)
    _warn(output.warnings, stacklevel=3)
    if output.errors:
        raise ValueError("\n".join(output.errors))
    return result.summary


def results(
    study: Study | AnyPath,
    budget: str | None = None,
    *,
    published: bool = False,
    folder: AnyPath = HERE.root,
) -> "pd.DataFrame":
    """Every trial of a study and what it measured: one row a trial, in plan order.

    They are read from `runs/`, trials whose folders are gone from the earlier local record in
    `results/`; with `published` from `results/published/` instead. Nothing is written. A notice,
    such as that no trial is complete yet, comes as a `UserWarning`. Other arguments as for `run`.

    Returns:
        Columns: trial_id; arm; replicate (0, 1, ...); state (pending, complete, failed, stale);
        outcome (ok, saturated, collapsed, diverged; missing where it was not assessed) and
        outcome_because; device and precision that it ran with; images_seen, g_updates, d_updates;
        ended_early_at and planned_iterations where trials may end early; then a column for each
        number of the study's metrics and probes, in the unit that the page on metrics gives,
        float64 and NaN where missing; then NAME_protocol for those that are measured on images.
        Rows: arms times replicates.

    Raises:
        ganablate.study.errors.StudyError: The study has no such budget.
        ValueError: A file in `results/` cannot be read as one.

    Example:
        >>> ganablate.results(study).groupby("arm")["fid"].agg(["mean", "std", "count"])
    """
    return _read(study, budget, folder, published=published).trials


def table(
    study: Study | AnyPath,
    budget: str | None = None,
    *,
    published: bool = False,
    folder: AnyPath = HERE.root,
) -> "pd.DataFrame":
    """The study's table: one row an arm, the baseline first, as in `table.csv`.

    Arguments, warnings and errors are those of `results`.

    Returns:
        Columns: arm; n_planned, n_complete, n_failed; n_ok, n_saturated, n_collapsed, n_diverged,
        n_not_assessed; the range over replicates (`_min`, `_max`) of images_seen, g_updates and
        d_updates; for each number of the study's metrics and probes its mean under its own name,
        NAME_sd (sample standard deviation; missing for one replicate), NAME_n (replicates with
        that number) and NAME_mark ("protocol" or "criterion" where it cannot be compared with the
        baseline's); the columns of `effects` about the first primary metric, and about a further
        one with its name before them (recall_effect, recall_verdict). Some are there only where
        they apply: NAME_of_ok (over the trials that are ok), NAME_published.

    Example:
        >>> ganablate.table(study).set_index("arm")[["fid", "fid_sd", "verdict"]]
    """
    return _read(study, budget, folder, published=published).table


def effects(
    study: Study | AnyPath,
    budget: str | None = None,
    *,
    column: str | None = None,
    published: bool = False,
    folder: AnyPath = HERE.root,
) -> "pd.DataFrame":
    """What each arm changes against the arm that it is compared with: one row such an arm.

    `column` is a number of the study's metrics or probes; None: each primary one, one below the
    other. Others describe: they have an effect and an interval, no p and no verdict, since the
    study's correction is over its primary metrics alone. The other arguments, warnings and errors
    are those of `results`.

    Returns:
        Columns: arm; column; compared_to; effect (a ratio of geometric means, or a difference of
        means in the column's unit: effect_scale says which); effect_low, effect_high (interval at
        effect_level, 0.95 unless looks lowered it); effect_scale ("ratio", "difference");
        effect_size (in standard deviations of one replicate); effect_p (Holm's over the arms and
        the primary metrics);
        effect_equivalence_p (the same, for lying within a factor of 1.25); effect_fails_p
        (Fisher's, where every replicate failed and none of the other's); verdict (better, worse,
        lower, higher, equivalent, worse (fails), cannot tell at this n, one replicate). No row
        where no arm is compared with another.

    Raises:
        KeyError: The study does not measure that column.

    Example:
        >>> ganablate.effects(study)[["arm", "effect", "effect_low", "effect_high", "verdict"]]
    """
    from ganablate.report.analysis import effects_frame

    return effects_frame(_read(study, budget, folder, published=published), column)


def compare(  # noqa: PLR0913 - one parameter an option of the command
    study: Study | AnyPath,
    a: str,
    b: str,
    budget: str | None = None,
    *,
    metric: str | None = None,
    published: bool = False,
    folder: AnyPath = HERE.root,
) -> "Pair":
    """Judge arm `b` against arm `a`, whether or not the study compares them: `ganablate compare`.

    `a` and `b` are names of arms; `metric` is a number of the study's metrics or probes, None: each
    primary one. The other arguments, warnings and errors are those of `results`.

    Returns:
        `first` and `second` (trials planned and complete, reach), and in `metrics` one entry a
        metric: both numbers with sd, n and protocol, and `against`, the effect with its interval,
        Holm's p and the verdict. `judge("better")`, "equivalent" or "not-worse" says whether that
        is shown (`holds`) and why (`because`). `to_dict()` has it as plain values.

    Raises:
        ValueError: There is no such arm or metric, or a name is that of a trial.

    Example:
        >>> ganablate.compare(study, "baseline", "norm=none").judge("not-worse").holds
        False
    """
    from ganablate.report.show.find import find_all
    from ganablate.report.show.pair import judged_pair
    from ganablate.report.show.selection import Selection

    study, project = _as_study(study), Project(Path(folder))
    subjects = find_all([a, b], [study], budget)
    analysis = _read(study, subjects[0].budget, folder, published=published)
    root = project.published if published else project.results
    first, second = (Selection(each, analysis, project.trials, root) for each in subjects)
    return judged_pair(first, second, metric)


def _read(
    study: Study | AnyPath, budget: str | None, folder: AnyPath, *, published: bool
) -> "Analysis":
    from ganablate.report.analysis import read_results
    from ganablate.study.search.records import with_recorded_searches

    study = _as_study(study)
    project = Project(Path(folder))
    if published:
        root = project.published
        analysis = read_results(with_recorded_searches(study, None, root), budget, root=root)
    else:
        study = with_recorded_searches(study, project.runs, project.results)
        analysis = read_results(study, budget, root=project.results, trials_root=project.trials)
    _warn(analysis.notices, stacklevel=4)
    return analysis


def _warn(notices: Sequence[str], *, stacklevel: int) -> None:
    for notice in notices:
        warnings.warn(notice, stacklevel=stacklevel)
