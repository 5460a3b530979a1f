"""How long `ganablate run` takes from its call to the first training step.

    python benchmarks/start_time.py [--times 3] [--cold]

Each time a new process in a new folder, without a data cache and without MLflow's database, runs a
study whose criterion, from a plug-in, notes the clock when it is first called: that is in the first
step of the first trial. The other lines say where the time goes. `--cold` has the kernel forget the
files of the installed packages first, as after the machine was switched on.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from figures import Figure, tell

TARGET_SECONDS = 20.0
OPTIONS = ("--budget", "smoke", "--plugin", "noting.py")
STUDY = """\
study: start
base: {dataset: mnist_5k, network: dcgan, g_width: 8, d_width: 8, criterion: noted, epochs: 1}
ablate: {latent_dim: [10]}
replicates: 2
budgets: {smoke: {train_images: 256}}
primary: g_loss_mean
metrics: [d_loss, g_loss]
"""
PLUGIN = '''
import os
import time
from pathlib import Path

from ganablate.catalog import Criterion


def noted(real_logits, fake_logits):
    """Raw outputs pulled apart; the first call of a process is noted (none is published)."""
    note = Path(os.environ["GANABLATE_NOTES"]) / str(os.getpid())
    if not note.exists():
        note.write_text(str(time.time()))
    return (fake_logits.float() - real_logits.float()).mean(), -fake_logits.float().mean()


CRITERIA = {
    "noted": Criterion(
        implementation="noted", summary="notes the clock", source="own", threshold=0.0
    )
}
'''


def seconds_to_first_step() -> tuple[float, float]:
    """Seconds from the call to the first step of all, and to that of the last worker."""
    with tempfile.TemporaryDirectory(prefix="ganablate-start-") as name:
        folder = Path(name)
        notes = folder / "notes"
        notes.mkdir()
        (folder / "start.yaml").write_text(STUDY)
        (folder / "noting.py").write_text(PLUGIN)
        call = "from ganablate.cli import main; main()"
        began = time.time()
        done = subprocess.run(
            [sys.executable, "-c", call, "run", "start.yaml", *OPTIONS],
            cwd=folder,
            env={**os.environ, "GANABLATE_NOTES": str(notes)},
            capture_output=True,
            text=True,
            check=False,
        )
        times = sorted(float(note.read_text()) - began for note in notes.iterdir())
    if done.returncode or not times:
        sys.exit(f"the run ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return times[0], times[-1]


def forget_packages() -> None:
    """Have the kernel drop the installed packages from its cache of files."""
    import ganablate

    for folder in {Path(os.__file__).parent, Path(ray_folder()).parent, Path(*ganablate.__path__)}:
        for path in folder.rglob("*"):
            if path.is_file():
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)


def ray_folder() -> str:
    """Where Ray is installed, found without importing it."""
    import importlib.util

    found = importlib.util.find_spec("ray")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args(arguments)
    found = []
    for _ in range(given.times):
        if given.cold:
            forget_packages()
        found.append(seconds_to_first_step())
        print(f"  first step after {found[-1][0]:6.2f} s, of the last worker {found[-1][1]:6.2f} s")
    middle = statistics.median(first for first, _ in found)
    files = "files forgotten" if given.cold else "files in memory"
    verdict = "within" if middle <= TARGET_SECONDS else "ABOVE"
    print(f"`run` to the first training step, {files}: {middle:.1f} s, median of {len(found)}")
    print(f"  {verdict} the target of {TARGET_SECONDS:.0f} s")
    what = f"run to the first training step, {files}"
    tell(Figure(what=what, value=middle, unit="s", limit=TARGET_SECONDS))


if __name__ == "__main__":
    main()
