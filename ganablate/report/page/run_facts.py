"""With what, where and when the trials ran, in lines for a reader."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ganablate.text import duration


def trial_seconds(facts: Mapping[str, Any]) -> dict[str, float]:
    """Wall seconds of each trial over its attempts."""
    return {
        str(name): sum(float(attempt.get("wall_seconds") or 0) for attempt in trial["attempts"])
        for name, trial in facts.get("trials", {}).items()
    }


def provenance_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """With what, where and when the trials ran, as provenance.json has it."""
    if not facts:
        return []
    seconds = trial_seconds(facts)
    seen = facts.get("seen", {})
    attempts = [one for trial in facts.get("trials", {}).values() for one in trial["attempts"]]
    python = sorted({str(one["python"]) for one in attempts if one.get("python")})
    known = {**seen, "python": python}
    lines = [(name, ", ".join(map(str, values))) for name, values in known.items() if values]
    days = sorted(
        datetime.fromtimestamp(one[key] / 1000, UTC).strftime("%Y-%m-%d")
        for one in attempts
        for key in ("started_ms", "ended_ms")
        if one.get(key)
    )
    if days:
        when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
        lines.append(("trained", f"{when} (UTC)"))
    lines.append(("wall time", f"{duration(sum(seconds.values()))} over {len(seconds):,} trials"))
    again = len(attempts) - len(seconds)
    if again > 0:
        lines.append(("resumed", f"{again} times"))
    prints = sorted({str(t["data_fingerprint"]) for t in facts["trials"].values()
                     if t.get("data_fingerprint")})  # fmt: skip
    lines += [("data, sha256", ", ".join(one[:16] for one in prints))] if prints else []
    own = (f"{part} of {source}" for part, source in facts.get("plugins", {}).items())
    lines += [("plug-ins", ", ".join(own))] if facts.get("plugins") else []
    return lines


def settings_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every setting of the arm that the others are compared to."""
    settings = facts.get("settings", {}).get("full", {})
    return [(str(name), str(value)) for name, value in settings.items()]
