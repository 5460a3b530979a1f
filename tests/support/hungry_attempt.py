"""A real training of which one arm takes so much memory, once, that Ray ends its worker."""

import os
import time

from ganablate.sweep.attempt import TrialAttempt
from ganablate.sweep.job import Job, Progress

ARM = "latent_dim=10"
BYTES = "TEST_HUNGRY_BYTES"
"""Variable with what it takes at most; without it nothing."""
_PART = 2**27


class _Hungry(TrialAttempt):
    def advance(self) -> Progress:
        """After the first checkpoint of its first attempt memory is what it takes."""
        progress = super().advance()
        if self.job.trial.arm == ARM and self.number == 1 and progress.blocks:
            parts = []
            for _ in range(int(os.environ.get(BYTES, 0)) // _PART):
                parts.append(b"x" * _PART)
                time.sleep(0.05)
            time.sleep(60 if parts else 0)  # Ray looks several times a second
        return progress


def start(job: Job) -> _Hungry:
    attempt = _Hungry(job)
    attempt.open()
    return attempt
