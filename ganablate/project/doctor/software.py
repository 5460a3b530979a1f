"""Python, the packages that the project asks for, torch, GPUs."""

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ganablate.project.doctor.finding import Finding, Place

_PROJECT = "ganablate"
_AGAIN = "in the virtual environment: make install (or pip install --editable .)"
_SHOWN = ("ray", "mlflow", "numpy")
"""Whose versions are told when all is well; torch has a line of its own."""
_NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


def python(_: Place) -> Finding:
    """Its version against the project's."""
    return python_version(sys.version.split()[0], _requires_python())


def python_version(version: str, wanted: str) -> Finding:
    """As `python`, of any version."""
    where = f"Python {version} in {sys.prefix}"
    if version in SpecifierSet(wanted):
        return Finding("ok", where)
    return Finding(
        "fail", f"{where}; {wanted} is needed", f"install Python {wanted}, then {_AGAIN}"
    )


def packages(_: Place) -> Finding:
    """Every package that the project depends on, against its range."""
    try:
        wanted = metadata.requires(_PROJECT) or []
    except metadata.PackageNotFoundError:
        return Finding("fail", f"{_PROJECT} itself is not installed in {sys.prefix}", _AGAIN)
    return package_versions(wanted)


def package_versions(wanted: list[str]) -> Finding:
    """As `packages`, of any list of requirements; those of extras are passed over."""
    wrong, found = [], {}
    for requirement in map(Requirement, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        found[requirement.name] = version
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if wrong:
        return Finding("fail", "; ".join(wrong), _AGAIN)
    shown = ", ".join(f"{name} {found[name]}" for name in _SHOWN if name in found)
    return Finding("ok", f"all {len(found)} packages are in their ranges: {shown}")


def torch(place: Place) -> Finding:
    """Whether torch and torchvision load together, and what torch makes of the processor."""
    facts = place.torch.found
    if "error" in facts:
        return Finding(
            "fail",
            f"torch and torchvision do not load: {facts['error']}",
            "install a pair that belongs together, such as that of requirements.lock: "
            "pip install --constraint requirements.lock torch torchvision",
        )
    build = f"CUDA {facts['cuda']}" if facts["cuda"] else "CPU only"
    return Finding(
        "ok",
        f"torch {facts['torch']} ({build}) with torchvision {facts['torchvision']}, "
        f"{facts['threads']} threads, trials compute in {facts['precision']}",
    )


def gpu(place: Place) -> Finding:
    """GPUs of the machine against those that torch can use, and what the profile asks for."""
    facts = place.torch.found
    return gpu_finding(
        present=any(path.exists() for path in _NVIDIA),
        usable=facts.get("gpus", []),
        cuda=facts.get("cuda"),
        wanted=place.used.device if place.used else "cpu",
    )


def gpu_finding(*, present: bool, usable: list[str], cuda: str | None, wanted: str) -> Finding:
    """As `gpu`, of any machine."""
    if usable:
        names = ", ".join(dict.fromkeys(usable))
        profile = "one-gpu" if len(usable) == 1 else "multi-gpu"
        advice = "" if wanted != "cpu" else f"to use it: --sweep sweeps/{profile}.yaml"
        return Finding("ok", f"{len(usable)} x {names}", advice)
    if present:
        why = "its build has no CUDA" if cuda is None else "driver and build may not fit"
        return Finding(
            "warn",
            f"an NVIDIA device is here, and torch finds no GPU: {why}",
            "run nvidia-smi; install the torch build for its CUDA version (pytorch.org)",
        )
    if wanted == "cuda":
        return Finding(
            "fail", "none, and the profile asks for cuda", "give it device: cpu, or auto"
        )
    return Finding("ok", "none; trials run on the CPU")


def _requires_python() -> str:
    try:
        return metadata.metadata(_PROJECT)["Requires-Python"] or ""
    except (metadata.PackageNotFoundError, KeyError):
        return ""
