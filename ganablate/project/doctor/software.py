"""Python, the packages that the project asks for, torch, GPUs."""

import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ganablate.project.doctor.finding import Finding, Place

_PROJECT = "ganablate"
_INSTALL = "in the virtual environment: make install (or pip install --editable .)"
_SHOWN = ("ray", "mlflow", "numpy")
"""Packages whose versions are shown when all is well; torch has a line of its own."""
_NVIDIA = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


def python(_: Place) -> Finding:
    """Its version against the project's."""
    try:
        needed = metadata.metadata(_PROJECT)["Requires-Python"] or ""
    except (metadata.PackageNotFoundError, KeyError):
        needed = ""
    return python_version(sys.version.split()[0], needed)


def python_version(version: str, needed: str) -> Finding:
    """As `python`, of any version."""
    text = f"Python {version} in {sys.prefix}"
    if version in SpecifierSet(needed):
        return Finding("ok", text)
    advice = f"install Python {needed}, then {_INSTALL}"
    return Finding("fail", f"{text}; {needed} is needed", advice)


def packages(_: Place) -> Finding:
    """Every package that the project depends on, against its range."""
    try:
        return package_versions(metadata.requires(_PROJECT) or [])
    except metadata.PackageNotFoundError:
        return Finding("fail", f"{_PROJECT} itself is not installed in {sys.prefix}", _INSTALL)


def package_versions(requirements: list[str]) -> Finding:
    """As `packages`, of any list of requirements; those of extras are passed over."""
    faults: list[str] = []
    versions: dict[str, str] = {}
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = versions[requirement.name] = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            faults.append(f"{requirement.name} {version} is not {requirement.specifier}")
    if faults:
        return Finding("fail", "; ".join(faults), _INSTALL)
    shown = ", ".join(f"{name} {versions[name]}" for name in _SHOWN if name in versions)
    return Finding("ok", f"all {len(versions)} packages are in their ranges: {shown}")


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
    asked = place.used.device if place.used else "cpu"
    if usable := facts.get("gpus", []):
        file = "one-gpu" if len(usable) == 1 else "multi-gpu"
        advice = f"to use it: --sweep sweeps/{file}.yaml" if asked == "cpu" else ""
        return Finding("ok", f"{len(usable)} x {', '.join(dict.fromkeys(usable))}", advice)
    if any(path.exists() for path in _NVIDIA):
        no_cuda = facts.get("cuda") is None
        why = "its build has no CUDA" if no_cuda else "driver and build may not fit"
        return Finding(
            "warn",
            f"an NVIDIA device is here, and torch finds no GPU: {why}",
            "run nvidia-smi; install the torch build for its CUDA version (pytorch.org)",
        )
    if asked == "cuda":
        advice = "give it device: cpu, or auto"
        return Finding("fail", "none, and the profile asks for cuda", advice)
    return Finding("ok", "none; trials run on the CPU")
