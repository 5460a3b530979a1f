"""One round of Ray Tune, as sweeps and searches run it."""

from typing import Any

from ray import tune
from ray.tune import TuneError

from ganablate.sweep.machine import Machine
from ganablate.sweep.profile import Profile
from ganablate.sweep.supply import Session
from ganablate.sweep.tune_callback import Relay
from ganablate.trials.folder import one_line

_NO_END = "Ray Tune gave the trial up"


def run_round(  # noqa: PLR0913 - what, who is told, on what, how often
    trainable: Any,
    relay: Relay,
    session: Session,
    machine: Machine,
    profile: Profile,
    *,
    alone: bool,
    retries: int,
    **trials: Any,
) -> str:
    """Run Tune until it has nothing left to do.

    Args:
        trainable: The worker.
        relay: Is told what happens.
        session: Of Ray.
        machine: Which shares its trials get.
        profile: Of the sweep.
        alone: Each trial has its device, or all cores, to itself.
        retries: Of a trial, with the same seed.
        trials: Which ones, as `tune.run` is told: `config`, or a searcher and its scheduler.

    Returns:
        Why a trial that has no end now has none.
    """
    # On a cluster the CPUs are not ours alone to set.
    capped = profile.address is not None and profile.concurrency != "cores"
    try:
        tune.run(
            tune.with_resources(trainable, machine.share(alone=alone)),
            max_failures=retries,
            reuse_actors=True,
            max_concurrent_trials=machine.slots if capped else None,
            callbacks=[relay, *session.watches],
            # Tune's own in a notebook would clear the cell that our lines are in.
            progress_reporter=tune.CLIReporter(),
            storage_path=str(session.folder),
            raise_on_failed_trial=False,
            verbose=0,
            **trials,
        )
    except TuneError as error:
        return f"{_NO_END}: {one_line(error)}"
    return _NO_END
