"""`CLAIMS.md`: what the reports said and what we measured, over all studies, on one page.

It is built from each study's `claims.csv` at the best budget that has results: the whole study
(`full`), else the study's default one; a smoke run proves nothing and is never shown.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ganablate.catalog import DATASETS, family_of
from ganablate.files import write_text
from ganablate.report.claims.evidence import Evidence
from ganablate.report.claims.judge import judge
from ganablate.report.claims.sentences import CLASSES, NOT_RUN, counts_of_sentences
from ganablate.report.claims.table import COLUMNS, LEVEL, claims_markdown, claims_table, read_claims
from ganablate.report.frames.history import looked_plan, read_history, remarks
from ganablate.report.frames.looks import level_of, with_look_by_hand
from ganablate.report.frames.trials import as_recorded, read_trials
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.render import escape_markdown
from ganablate.study.expand import expand
from ganablate.study.plan import FULL, Plan
from ganablate.study.schema import Study
from ganablate.text import counted

REPORTS = {
    "R0": "Nouaji, Ghavidel, Farokhian 2023, a convolutional GAN on MNIST and CIFAR-10",
    "R1": "Bennett, Christensen, DRAGAN against a vanilla GAN",
    "R2": "Dai, Wei, Mao, DCGAN and twelve modifications of it",
    "R3": "Bhope, Walia, Devarajan 2019, data sets, latent sizes, optimizers and WGAN",
    "R4": "Nguyen, Tran 2023, a fully connected and a convolutional GAN",
}
"""The reports that the shipped studies reproduce. Claims of others stand under their own names."""
_SMOKE = "smoke"
_PICTURE = re.compile(r"figures/(\w+\.png)")
_HEAD = """# Claims of the reports, and what we measured

Each line is a claim on a sentence of a report, tested by trainings with replicates at 5 % unless it
names another level. The reports ran each arm once and looked.

*Supported* and *contradicted* are verdicts on a report. They need trainings with at least half of
its generator updates, images seen, distinct images and widths, in each arm concerned; the report's
training is the study's budget `full`, as we read the report. Of smaller trainings a line says
*seen*, *opposite seen* or *open*, and at which share of the report's training: that tells little of
the report's own. What is arithmetic on a report's own numbers *holds* or does not.

Ratios are of geometric means; intervals, in brackets, are at 95 %, or at what another level leaves;
limits of a share are Clopper and Pearson's. FID is in the features of shipped classifiers, not
comparable with Inception FID. Margins such as 1.25x are ours: no report states one. Beside a
verdict stands the range of margins, up to 3x, at which it would be the same.

p is corrected by Holm's method over all comparisons of the study's table, or over the claim's own
arms where it looks within trials. Where a claim is shown of each of several arms, each p stands for
itself, uncorrected. The table counts sentences: lines with the same words are readings of one.
"""


@dataclass(frozen=True)
class _Source:
    """A study with its claims at the best budget; `plan` None: no budget has results.

    `level` is that of the verdicts: lower where the study was looked at before. `remarks` say what
    of its question was changed since results were seen.
    """

    study: Study
    plan: Plan | None
    complete: int
    claims: pd.DataFrame
    level: float = ALPHA
    remarks: tuple[str, ...] = ()


def has_claims(study: Study, results_root: Path) -> bool:
    """Whether a record of the study there has claims; a smoke run's do not count."""
    budgets = (name for name in study.budget_names if name != _SMOKE)
    return any((results_root / study.name / name / "claims.csv").exists() for name in budgets)


def write_ledger(studies: Sequence[Study], results_root: Path) -> Path:
    """Write `CLAIMS.md` over these studies into the folder of results, in one step.

    Raises:
        ValueError: a csv file of a record cannot be read as one.
    """
    path = results_root / "CLAIMS.md"
    write_text(path, ledger(studies, results_root))
    return path


def ledger(studies: Sequence[Study], results_root: Path) -> str:
    """The page as markdown: a count of sentences, a table for each report, the studies."""
    by_name = sorted(studies, key=lambda study: study.name)
    sources = [_source(study, results_root) for study in by_name if study.claims]
    if not sources:
        return f"{_HEAD}\nNo study holds a claim.\n"
    claims = pd.concat([_rows(source) for source in sources], ignore_index=True)
    claims = claims.sort_values("id", key=lambda ids: ids.map(_order), kind="stable")
    claims["report"] = [_report(str(name)) for name in claims["id"]]
    parts = [_HEAD, _counts(claims)]
    for report, rows in claims.groupby("report", sort=False):
        name = REPORTS.get(str(report))
        heading = f"## {report}: {name}" if name else f"## {report}"
        parts.append(f"{heading}\n\n{claims_markdown(rows)}")
    parts.append("## The studies\n\n" + "".join(f"- {_status(source)}\n" for source in sources))
    return "\n".join(parts)


def _source(study: Study, results_root: Path) -> _Source:
    """Of the budgets with results the first that is whole, else the one nearest to it."""
    sources = []
    for budget in dict.fromkeys((FULL, study.default_budget)):
        folder = results_root / study.name / budget
        if budget == _SMOKE or not (folder / "claims.csv").exists():
            continue
        trials = read_trials(folder / "trials.csv")
        complete = int((trials["state"] == "complete").sum())
        if complete:
            plan, looks = looked_plan(study, budget, results_root)
            level = level_of(with_look_by_hand(looks, trials, plan))
            claims = read_claims(folder / "claims.csv")
            recorded = as_recorded(plan, folder)
            pairs = remarks(read_history(recorded, folder), recorded)
            remarked = tuple(f"{lead} {text}" for lead, text in pairs)
            source = _Source(study, plan, complete, claims, level, remarked)
            sources.append((complete / len(plan.trials), source))
    if not sources:
        return _Source(study, None, 0, pd.DataFrame(columns=list(COLUMNS)))
    return max(sources, key=lambda pair: pair[0])[1]


def _rows(source: _Source) -> pd.DataFrame:
    """A row for each claim of the study as it is now; one that was not judged yet is not run."""
    judged = {
        str(row["id"]): row
        for table in (_arithmetic(source.study), source.claims)
        for row in table.to_dict("records")
    }
    folder = f"{source.study.name}/{source.plan.budget}" if source.plan is not None else ""
    rows = []
    for claim in source.study.claims:
        row = {**judged.get(claim.id, {"verdict": NOT_RUN})}
        if claim.kind == "visual" and not pd.isna(row.get("numbers")):
            row["numbers"] = _PICTURE.sub(rf"[\1]({folder}/figures/\1)", str(row["numbers"]))
        row |= {"id": claim.id, "says": claim.says, "tested_by": claim.tested_by or pd.NA}
        row |= {"kind": claim.kind, LEVEL: source.level}
        rows.append(row)
    return pd.DataFrame(rows, columns=[*COLUMNS, LEVEL])


def _arithmetic(study: Study) -> pd.DataFrame:
    """The claims about a report's own numbers, which need no results of ours."""
    plan = expand(study, FULL)
    trials = pd.DataFrame(columns=["arm", "state"])
    evidence = Evidence(plan, trials, pd.DataFrame(columns=["trial_id", "metric"]))
    claims = (claim for claim in plan.claims if claim.kind == "arithmetic")
    return claims_table(judge(claim, evidence) for claim in claims)


def _report(name: str) -> str:
    return re.split(r"[.-]", name, maxsplit=1)[0]


def _order(name: str) -> tuple[str, bool, str]:
    """R0.1, R0.2, ..., and after a report's rows what is about the report as a whole."""
    row = name.partition("-")[0]
    return _report(name), row == _report(name), row


def _counts(claims: pd.DataFrame) -> str:
    """How many sentences have each verdict, by report and by class of verdicts."""
    reports = list(dict.fromkeys(claims["report"]))
    groups = [rows for _, rows in claims.groupby("report", sort=False)]
    by_report = [counts_of_sentences(zip(x["says"], x["verdict"], strict=True)) for x in groups]
    lines = [["Sentences", *reports, "All"], ["---", *["---:"] * (len(reports) + 1)]]
    for name, verdicts in CLASSES.items():
        lines += _class_lines(name, verdicts, [report[name] for report in by_report])
    sentences = [x["says"].nunique() for x in groups]
    of_classes = [sum(c.total() for c in counts.values()) for counts in by_report]
    twice = [all_ - count for all_, count in zip(sentences, of_classes, strict=True)]
    lines.append(["counted in two classes", *_with_sum(twice)])
    lines.append(["**Sentences in all**", *_with_sum(sentences, "**")])
    lines.append(["claims on them", *_with_sum([len(rows) for rows in groups])])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _class_lines(
    name: str, verdicts: Sequence[str], counts: Sequence[Counter[str]]
) -> Iterator[list[str]]:
    """The sum of a class of verdicts, then each verdict that was given."""
    yield [f"**{name}**", *_with_sum([x.total() for x in counts], "**")]
    for verdict in verdicts:
        if any(x[verdict] for x in counts):
            yield [verdict, *_with_sum([x[verdict] for x in counts])]


def _with_sum(counts: Sequence[int], mark: str = "") -> list[str]:
    return [f"{mark}{count}{mark}" for count in (*counts, sum(counts))]


def _status(source: _Source) -> str:
    """Which trials the verdicts of a study rest on, and on which data."""
    name, plan = source.study.name, source.plan
    if plan is None:
        return f"{name}: {NOT_RUN}, or only at the budget {_SMOKE}"
    substitutes = {ours: reported for reported, ours in plan.substitutes.values()}
    data = []
    for dataset in dict.fromkeys(arm.config.dataset for arm in plan.arms):
        if family_of(dataset) != dataset:
            images = f"{DATASETS[dataset].images:,} images of {family_of(dataset)}"
            data.append(f"{dataset} ({images})")
        elif dataset in substitutes:
            data.append(f"{dataset} (where {substitutes[dataset]} would be)")
        else:
            data.append(dataset)
    trials = f"{source.complete} of {counted(len(plan.trials), 'trial')}"
    table = f"[{name}]({name}/{plan.budget}/table.md)"
    stated = f"{table}: budget {plan.budget}, {trials}, {', '.join(data)}"
    return ". ".join([stated, *(escape_markdown(remark).rstrip(".") for remark in source.remarks)])
