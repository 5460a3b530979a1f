"""A profile: how a sweep is executed. It never changes what a trial is, or its id."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ganablate.config import NOT_BOOLEAN
from ganablate.study.reading.document import read_document
from ganablate.study.reading.errors import Fault, StudyError, dotted
from ganablate.study.reading.wording import show, unknown
from ganablate.trials.weights import Keep

DEFAULT_PROFILE = Path("sweeps/laptop.yaml")
Few = Annotated[int, NOT_BOOLEAN, Field(ge=1, le=1024)]
"""Threads, or processes of one machine: more of them would only fill its memory."""


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text == "auto" or (host and "/" not in host and port.isdecimal() and int(port) < 2**16):
        return text
    raise ValueError("auto or HOST:PORT is needed, as `ray start --head` prints it, without ray://")


class Profile(BaseModel):
    """One file of `sweeps/`. Every setting has a default; a misspelt one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    device: Literal["auto", "cpu", "cuda"] = Field("cpu", description="auto: CUDA if there is any")
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 where the hardware multiplies it natively, else fp32"
    )
    threads: Few = Field(1, description="threads of one trial")
    concurrency: Literal["cores"] | Few = Field(
        "cores",
        description="trials at a time: a number, or as many as the cores carry; "
        "on GPUs no more than `trials_per_gpu` each",
    )
    trials_per_gpu: Annotated[int, NOT_BOOLEAN, Field(ge=1, le=64)] = Field(
        1, description="trials that share one GPU"
    )
    retries: Annotated[int, NOT_BOOLEAN, Field(ge=0, le=100)] = Field(
        2, description="further attempts, with the same seed, of a trial that failed"
    )
    checkpoint_seconds: Annotated[float, NOT_BOOLEAN, Field(gt=0)] = Field(
        30.0, description="the most that a killed trial loses"
    )
    keep: Keep = Field(
        "weights", description="networks of a complete trial: both, the generator alone, or none"
    )
    tracking_uri: str | None = Field(None, description="null: sqlite under runs/")
    data_root: Path | None = Field(None, description="null: runs/downloads")
    address: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="of a Ray cluster that runs: auto or HOST:PORT; null: this machine alone"
    )
    data_cache: Path | None = Field(
        None, description="where workers keep data sets, such as a node's own disk; null: runs/data"
    )


def load_profile(path: Path) -> Profile:
    """Read a profile.

    Raises:
        StudyError: With every problem of the file, each with its line.
    """
    document = read_document(path)
    faults = list(document.faults)
    profile = None
    try:
        profile = Profile.model_validate(document.values)
    except ValidationError as error:
        faults += _faults(error)
    if faults or profile is None:
        faults.sort(key=lambda fault: document.line(fault.path))
        raise StudyError([document.problem(fault) for fault in faults])
    return profile


def _faults(error: ValidationError) -> list[Fault]:
    """One fault a key: a value that fits no member of a union is one mistake, not several."""
    texts: dict[str, list[str]] = {}
    given: dict[str, object] = {}
    for details in error.errors(include_url=False):
        key = str(details["loc"][0])
        text = details["msg"].removeprefix("Value error, ")
        texts.setdefault(key, []).append(text[:1].lower() + text[1:])
        given[key] = details["input"]
    faults = []
    for key, reasons in texts.items():
        text = f"{dotted((key,))}: {show(given[key])} is given; {', '.join(reasons)}"
        if key not in Profile.model_fields:
            text = unknown("setting", key, Profile.model_fields)
        faults.append(Fault((key,), text))
    return faults
