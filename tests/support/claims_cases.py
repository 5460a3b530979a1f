"""Trials and curves of small studies as frames, and one claim judged on them."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ganablate.catalog import FLOOR, TEN_IMAGES
from ganablate.report.claims.judge import judge_claims
from ganablate.report.frames.references import NO_REFERENCES, References
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.study.claims.claims import Claim
from ganablate.trials.references import Reference
from tests.support.synthetic_study import STAMP, make_plan


def plan_of(*arms, replicates=5, changes=None, **facts):
    """A plan of a baseline and these arms; `changes`: arm -> its settings."""
    changes = changes or {}
    settings = {name: changes.get(name, {}) for name in ("baseline", *arms)}
    known = {key: facts.pop(key) for key in ("metrics", "primary") if key in facts}
    return replace(make_plan(settings, replicates=replicates, **known), **facts)


def trials_of(plan, numbers, outcomes=None, stamps=None):
    """`numbers`: arm -> column -> one value a replicate, None a missing one. All are complete."""
    outcomes, stamps, rows = outcomes or {}, stamps or {}, []
    for trial in plan.trials:
        own = numbers.get(trial.arm)
        row = {"trial_id": trial.trial_id, "arm": trial.arm, "replicate": trial.replicate,
               "state": "pending" if own is None else "complete"}  # fmt: skip
        known = outcomes.get(trial.arm, ["ok"] * plan.replicates)
        row["outcome"] = None if own is None else known[trial.replicate]
        for column in plan.columns:
            values = (own or {}).get(column)
            row[column] = np.nan if values is None else values[trial.replicate]
        for column in protocol_columns(plan):
            row[column + PROTOCOL] = stamps.get(trial.arm, STAMP) if own else None
        rows.append(row)
    frame = pd.DataFrame(rows)
    texts = ["trial_id", "arm", "state", "outcome", *(c for c in frame if c.endswith(PROTOCOL))]
    return frame.astype(dict.fromkeys(texts, "string")).astype(
        {"replicate": "Int64", **dict.fromkeys(plan.columns, "float64")}
    )


def fid(**arms):
    """Arm -> FIDs, as `trials_of` takes them."""
    return {name: {"fid": values} for name, values in arms.items()}


def no_curves():
    columns = {"trial_id": "string", "metric": "string", "images_seen": "int64"}
    return pd.DataFrame(columns=[*columns, "value", "spread"]).astype(
        {**columns, "value": "float64", "spread": "float64"}
    )


def curves_of(plan, metric, values, spreads=None, seen=None):
    """`values`: arm -> one list of points a replicate, at even parts of the training."""
    pieces = [no_curves()]
    for trial in plan.trials:
        if trial.arm not in values:
            continue
        own = values[trial.arm][trial.replicate]
        total = trial.config.total_iterations(5_000) * trial.config.batch_size
        points = [round(total * (k + 1) / len(own)) for k in range(len(own))]
        spread = spreads[trial.arm][trial.replicate] if spreads else [np.nan] * len(own)
        pieces.append(
            pd.DataFrame(
                {"trial_id": trial.trial_id, "metric": metric, "images_seen": seen or points,
                 "value": own, "spread": spread}
            )
        )  # fmt: skip
    kept = [piece for piece in pieces if len(piece)] or pieces
    return pd.concat(kept, ignore_index=True).astype({"trial_id": "string", "metric": "string"})


def lines(ten=131.0, column="fid"):
    """The reference lines of a column, as a record has them; `ten`: of ten repeated images."""
    floor = Reference(FLOOR, column, 2.0, "mnist_5k 28x28", STAMP, "halves of 2500")
    return References(
        (floor, replace(floor, line=TEN_IMAGES, value=ten, images="10, repeated to 5000"))
    )


def judge(plan, trials, curves=None, *, alpha=0.05, references=NO_REFERENCES, **claim):
    """One claim, given by its kind and keys, judged."""
    given = {"id": "R9.1", "says": "a sentence", **claim}
    whole = replace(plan, claims=(Claim.model_validate(given),))
    kept = no_curves() if curves is None else curves
    return judge_claims(whole, trials, kept, references=references, alpha=alpha)[0]
