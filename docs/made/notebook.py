"""A hook of mkdocs: shows `*.ipynb` as a page, with the outputs that it was saved with."""

import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Put a page in the place of each notebook; the notebook itself stays beside it."""
    for file in [one for one in files if one.src_uri.endswith(".ipynb")]:
        assert file.abs_src_path is not None
        text = as_markdown(Path(file.abs_src_path).read_text(encoding="utf-8"))
        page = File.generated(config, file.src_uri.replace(".ipynb", ".md"), content=text)
        files.append(page)
    return files


def as_markdown(notebook: str) -> str:
    """The cells one after the other: text, code, and what it printed, drew or laid out."""
    cells = json.loads(notebook)["cells"]
    return "\n\n".join(part for cell in cells for part in _cell(cell)) + "\n"


def _cell(cell: dict[str, Any]) -> list[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return [source]
    printed = "".join("".join(one["text"]) for one in cell["outputs"] if "text" in one)
    shown = [_shown(one["data"]) for one in cell["outputs"] if "data" in one]
    text = [f"```text\n{printed}```"] if printed else []
    return [f"```python\n{source}\n```", *text, *shown]


def _shown(data: dict[str, Any]) -> str:
    if "image/png" in data:
        picture = "".join(data["image/png"]).strip()
        return f"![drawn by the cell above](data:image/png;base64,{picture})"
    if "text/html" in data:
        # The site's own look for tables in the place of pandas' frame.
        bare = re.sub(r"<style.*?</style>", "", "".join(data["text/html"]), flags=re.DOTALL)
        return re.sub(r"<table[^>]*>", "<table>", bare)
    return f"```text\n{''.join(data['text/plain'])}\n```"
