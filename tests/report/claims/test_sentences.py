"""Claims are counted by the sentence that they read, and arithmetic apart."""

from ganablate.report.claims.judgement import VERDICTS
from ganablate.report.claims.sentences import (
    ARITHMETIC,
    CLASSES,
    DIFFER,
    NOT_RUN,
    OTHERS,
    SMALLER,
    TRAININGS,
    counts_of_sentences,
)


def counts(**sentences):
    """Sentence -> its verdicts, as {class: {verdict: number}} without what is 0."""
    claims = [(sentence, verdict) for sentence, given in sentences.items() for verdict in given]
    return {name: dict(x) for name, x in counts_of_sentences(claims).items() if x}


def test_every_verdict_is_of_one_class():
    classed = [
        verdict for verdicts in CLASSES.values() for verdict in verdicts if verdict != DIFFER
    ]
    assert sorted(classed) == sorted([*VERDICTS, NOT_RUN])


def test_readings_that_agree_are_one_sentence_and_others_differ():
    assert counts(both=["seen", "seen"]) == {SMALLER: {"seen": 1}}
    assert counts(a=["seen"], b=["seen"]) == {SMALLER: {"seen": 2}}
    assert counts(both=["supported", "cannot tell at this n"]) == {TRAININGS: {DIFFER: 1}}
    assert counts(both=["opposite seen", "seen"]) == {SMALLER: {DIFFER: 1}}


def test_a_sentence_counts_in_the_class_that_tells_most():
    shown = ["shown, not judged", "seen", "not tested here"]
    assert counts(a=shown) == {SMALLER: {"seen": 1}}
    assert counts(a=[*shown, "contradicted"]) == {TRAININGS: {"contradicted": 1}}
    assert counts(a=["shown, not judged", "none stated"]) == {OTHERS: {"none stated": 1}}


def test_arithmetic_counts_apart():
    assert counts(a=["seen", "holds"]) == {SMALLER: {"seen": 1}, ARITHMETIC: {"holds": 1}}
    assert counts(a=["holds"]) == {ARITHMETIC: {"holds": 1}}
    assert counts(a=["holds", "does not hold"]) == {ARITHMETIC: {DIFFER: 1}}
