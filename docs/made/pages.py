"""Rewrite the parts of the pages that are made: `python -m docs.made.pages`; `make docs` does.

A page holds `<!-- made: NAME -->` and `<!-- end -->`; what stands between them is replaced by
`MAKERS[NAME]()`. So every key, setting, part, metric, command and verdict is said once, in the
models, the catalog, the command line and `results/`, and a test compares the pages with them.
"""

import re
from collections.abc import Callable
from pathlib import Path

from docs.made import benchmarks, commands, language, parts, results, screen

DOCS = Path(__file__).parents[1]
PICTURES = {"samples.png": results.PUBLISHED / "quickstart" / "full" / "figures" / "samples.png"}
"""Copied beside the pages, so that they can be read without the rest of the repository."""
_MADE = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

MAKERS: dict[str, Callable[[], str]] = {
    "study-keys": language.study_keys,
    "beside-settings": language.beside_settings,
    "claim-keys": language.claim_keys,
    "settings": language.settings,
    "training-parts": parts.training_parts,
    "network-parts": parts.network_parts,
    "dataset-parts": parts.dataset_parts,
    "metric-parts": parts.metric_parts,
    "extractor-parts": parts.extractor_parts,
    "known-distances": parts.known_distances,
    "profile-keys": language.profile_keys,
    "commands": commands.commands,
    "live-screen": screen.live_screen,
    "benchmark-figures": benchmarks.benchmark_figures,
    "quickstart-table": results.quickstart_table,
    "verdict-counts": results.verdict_counts,
    "decided": lambda: results.judged("supported", "contradicted"),
    "opposite-seen": lambda: results.judged("opposite seen"),
    "seen": lambda: results.judged("seen"),
    "arithmetic": lambda: results.judged("holds", "does not hold", "unclear", "misprint"),
    "open-claims": results.open_claims,
    "replicate-correlations": results.replicate_correlations,
}
"""Name of a made part -> what stands in it."""


def rewritten(page: str) -> str:
    """The page with its made parts as they are to be now."""
    return _MADE.sub(lambda found: found[1] + MAKERS[found[2]]() + found[3], page)


def main() -> None:
    """Rewrite every page, and copy the pictures."""
    for path in sorted(DOCS.glob("*.md")):
        page = path.read_text(encoding="utf-8")
        if (new := rewritten(page)) != page:
            path.write_text(new, encoding="utf-8")
    for name, source in PICTURES.items():
        (DOCS / name).write_bytes(source.read_bytes())


if __name__ == "__main__":
    main()
