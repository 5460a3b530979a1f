"""The arms and columns of a study at all its budgets together, which other keys name."""

from collections.abc import Iterator

from ganablate.catalog import METRICS, PROBES, TRAINERS, metric_columns, probe_columns
from ganablate.study.arms.layout import Layout
from ganablate.study.arms.names import ArmNames
from ganablate.study.plan import ONLY, WITHOUT
from ganablate.study.reading.errors import Fault, KeyPath
from ganablate.study.reading.wording import unknown
from ganablate.study.schema import RESTATED, Study


class StudyNames:
    """Arms and columns of a study, and which of them were left out for a mistake of their own.

    `linked` are the arms that are compared with another one at some budget, `trainers` those of all
    arms, `losses` what some arm records. They are to be trusted only if the study is `complete`.
    """

    def __init__(self, study: Study, broken: set[str], lost: set[str]) -> None:
        self.study = study
        self.broken = set(broken)
        self.arms_known = lost.isdisjoint((*RESTATED, "remove_also"))
        self.arms = ArmNames(study.folders)
        self.linked: set[str] = set()
        self.trainers: dict[str, None] = {}
        self.losses: set[str] = set()
        self.complete = not (broken or lost)
        self.metrics = [name for name in study.metrics if name in METRICS]
        probes = [name for name in study.probes if name in PROBES]
        self.columns = {**metric_columns(self.metrics), **probe_columns(probes)}
        given = len(study.metrics) + len(study.probes)
        self.metrics_known = len(self.metrics) + len(probes) == given and "probes" not in lost

    def include(self, layout: Layout) -> None:
        """Add what the study comes to at one budget."""
        self.arms.include(layout.names)
        self.broken |= layout.broken
        self.complete &= not layout.faults
        self.linked |= {row.name for row in layout.rows if row.compare_to is not None}
        values = [row.resolution.get for row in layout.rows]
        self.trainers |= dict.fromkeys(get("trainer") or "gan" for get in values)
        self.losses.update(*(TRAINERS[name].losses for name in self.trainers))
        if any(get("penalty") or get("second_penalty") for get in values):
            self.losses.add("d/penalty")

    def on_features(self) -> list[str]:
        """The study's metrics that are measured on images."""
        return [name for name in self.metrics if METRICS[name].needs == "features"]

    def arm(self, name: str, path: KeyPath) -> Iterator[Fault]:
        """The fault of naming an arm that there is not."""
        if self.arms.find(name) is None and not self.is_broken(name):
            yield Fault(path, self.arms.refusal(name, "an arm of this study"))

    def is_broken(self, name: str) -> bool:
        """Whether the arm may have been left out for a mistake that is told already."""
        component = name.removeprefix(WITHOUT).removeprefix(ONLY)
        names = (name, component, name.partition(":")[0])
        if not self.arms_known or not self.broken.isdisjoint(names):
            return True
        factors = (part.partition("=")[0].rpartition(":")[2] for part in name.split(","))
        return "=" in name and not self.broken.isdisjoint(factors)

    def column(self, name: str, path: KeyPath, before: str = "") -> Iterator[Fault]:
        """The fault of naming a column that the study does not yield."""
        if name not in self.columns and self.metrics_known:
            message = unknown("a column that this study's metrics yield", name, self.columns)
            for section, table in (("metrics", METRICS), ("probes", PROBES)):
                for key, entry in table.items():
                    if name in entry.columns:
                        message += f"; add {key} to `{section}`"
            yield Fault(path, before + message)
