"""The fenced blocks of the documents, and a project to try them in."""

import os
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from ganablate.study.schema import Study
from ganablate.sweep.profile import Profile

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md",
        ROOT / "studies" / "README.md", ROOT / "sweeps" / "README.md",
    ]
)  # fmt: skip
_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
STUDY_KEYS = {field.alias or name for name, field in Study.model_fields.items()}


@dataclass(frozen=True)
class Block:
    """One fenced block: its kind is the word behind the fence."""

    page: Path
    line: int
    kind: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_script(self) -> bool:
        """A whole file of shell commands, not lines to type."""
        return self.text.startswith("#!")

    @property
    def commands(self) -> list[str]:
        """Its lines to type without comments; a line that ends in a backslash goes on."""
        if self.is_script or self.kind == "python":
            return []
        joined = self.text.replace("\\\n", " ").splitlines()
        lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined)
        return [line for line in lines if line]

    @property
    def trains(self) -> bool:
        """Whether Python of it runs a sweep."""
        return self.kind == "python" and "ganablate.run(" in self.text


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page in order, without what indents them."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        indent, kind, body = match.groups()
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, kind.strip(), "\n".join(lines) + "\n"))
    return found


BLOCKS = {page: blocks_of(page) for page in PAGES}


def is_map(block: Block) -> bool:
    """A listing of folders: names of what there is, indented, with a word on each."""
    return block.kind == "" and bool(re.match(r"\w+/\s", block.text))


def paths_of(block: Block) -> list[str]:
    """The paths that a listing of folders names."""
    folder, found = "", []
    for line in block.text.splitlines():
        names = re.split(r"\s{2,}", line.strip())[0]
        folder = "" if not line.startswith(" ") else folder
        found += [folder + name.strip() for name in names.split(",")]
        folder = names if not line.startswith(" ") else folder
    return found


def yaml_kind(block: Block) -> str:
    """What a block of YAML is: a study, keys to be added to the page's first study, a profile."""
    keys = set(yaml.safe_load(block.text))
    if "study" in keys:
        return "study"
    if keys <= STUDY_KEYS:
        return "addition"
    assert keys <= set(Profile.model_fields), f"{block.place}: neither a study nor a profile"
    return "profile"


def with_addition(study: str, addition: str) -> str:
    """The study with the sections of the addition, in the place of its own of that name."""
    sections = re.split(r"^(?=[a-z_]+:)", study, flags=re.MULTILINE)
    own = set(yaml.safe_load(addition))
    kept = [section for section in sections if section.partition(":")[0] not in own]
    return "".join(kept) + addition


def studies_of(page: Path) -> dict[str, str]:
    """The whole studies that a page shows, by name."""
    shown = [one for one in BLOCKS[page] if one.kind == "yaml" and yaml_kind(one) == "study"]
    return {yaml.safe_load(one.text)["study"]: one.text for one in shown}


def write_project(folder: Path, *pages: Path) -> Path:
    """A copy of what a person has after `git clone`, with what these pages show.

    That is their studies, and the Python files that say in their first line what they are called.
    """
    shutil.copytree(ROOT / "studies", folder / "studies")
    shutil.copytree(ROOT / "sweeps", folder / "sweeps")
    for study in ("quickstart/full", "mnist_ablation/cpu"):
        shutil.copytree(
            ROOT / "results" / "published" / study, folder / "results" / "published" / study,
            ignore=shutil.ignore_patterns("*.png", "*.html"),
        )  # fmt: skip
    for page in pages:
        for name, text in studies_of(page).items():
            (folder / "studies" / f"{name}.yaml").write_text(text, encoding="utf-8")
        for block in BLOCKS[page]:
            named = re.match(r"# (\w+\.py)\n", block.text)
            if named and block.kind == "python":
                (folder / named[1]).write_text(block.text, encoding="utf-8")
    return folder


def arguments(command: str, project: Path) -> list[str]:
    """The words of a `ganablate` command as the shell would hand them on from the project."""
    words = shlex.split(command.split(" > ")[0])[1:]
    found = []
    for word in words:
        matches = sorted(project.glob(word)) if "*" in word else []
        found += [str(path.relative_to(project)) for path in matches] or [word]
    return found


def project_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
