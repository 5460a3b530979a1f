"""Combinations that a study has although the paper of one of their parts advises against them."""

from ganablate.catalog import OF_SETTINGS, Advice
from ganablate.study.plan import Plan
from ganablate.study.reading.wording import listed


def advice_lines(plan: Plan) -> list[str]:
    """A sentence for each piece of advice that some arm goes against, with its source."""
    advising: dict[str, dict[str, tuple[Advice, ...]]] = {}
    for setting, lines in OF_SETTINGS.items():
        for name, part in lines.items():
            if part.advises_against:
                advising.setdefault(setting, {})[name] = part.advises_against
    arms: dict[str, list[str]] = {}
    for arm in plan.arms:
        for setting, parts in advising.items():
            name = getattr(arm.config, setting)
            for advice in parts.get(name, ()):
                if advice.is_met(arm.config):
                    arms.setdefault(_sentence(name, advice), []).append(arm.name)
    return [f"{sentence}: {listed(names)}." for sentence, names in arms.items()]


def _sentence(part: str, advice: Advice) -> str:
    return (
        f"Advised against by {advice.source}: {part} with {advice.what}, since "
        f"{advice.because}; here in"
    )
