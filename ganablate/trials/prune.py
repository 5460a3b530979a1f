"""What may be removed from trial folders: weights, leftovers, and whole folders on demand."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from ganablate.trials.folder import RETIRED, LockError, TrialFolder, remove
from ganablate.trials.weights import Keep, keep_only


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What to remove.

    `keep` says which networks stay of complete trials. `retired` folders, other trainings of the
    same trial, and folders of trials that are `unnamed` go whole. A `dry_run` counts only.
    """

    keep: Keep = "weights"
    retired: bool = False
    unnamed: bool = False
    dry_run: bool = False


@dataclass
class Freed:
    """Bytes freed by kind, in this order; and what was left alone: a line each."""

    bytes: dict[str, int] = field(
        default_factory=lambda: {"weights": 0, "leftovers": 0, "put aside": 0, "not named": 0}
    )
    left_alone: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Bytes of all kinds together."""
        return sum(self.bytes.values())


def prune(trials_root: Path, named: Collection[str], pruning: Pruning) -> Freed:
    """Make the folder of trials smaller. Numbers, samples and losses of named trials stay.

    A trial that some process works on at this moment is left alone. Ids that studies name are in
    `named`; other trials are touched only on demand.
    """
    freed = Freed()
    for path in sorted(trials_root.glob("[!.]*/")):
        trial_id, _, aside = path.name.partition(RETIRED)
        is_named = trial_id in named
        if is_named or pruning.unnamed:
            folder = TrialFolder(trials_root, trial_id)
            try:
                with folder.claim_if_free() as free:
                    if not free:
                        freed.left_alone.append(f"{path.name}: a process works on it")
                    elif is_named and not aside:
                        _make_smaller(folder, pruning, freed)
                    elif not is_named or pruning.retired:
                        kind = "put aside" if is_named else "not named"
                        freed.bytes[kind] += _removed(path, pruning)
            except (OSError, LockError) as error:
                freed.left_alone.append(f"{path.name}: {error}")
    return freed


def _make_smaller(folder: TrialFolder, pruning: Pruning, freed: Freed) -> None:
    left = folder.leftovers()
    if folder.complete is not None:
        left += folder.states()  # of an end that was cut off right after it was declared
        freed.bytes["weights"] += keep_only(folder.weights, pruning.keep, dry_run=pruning.dry_run)
    freed.bytes["leftovers"] += sum(_removed(path, pruning) for path in left)


def _removed(path: Path, pruning: Pruning) -> int:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    size = sum(file.stat().st_size for file in files)
    if not pruning.dry_run:
        remove(path)
    return size
