"""What tests of searches share: the searches of a plan, and a study of two arms that searches."""

from collections.abc import Mapping

from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.study.search.arm_search import ArmSearch, SearchTrial

TWO_ARMS = """\
study: t
base: {dataset: mnist_5k, network: dcgan, epochs: 2}
ablate: {norm: [none]}
search: {lr: {log_uniform: [1e-5, 1e-1]}}
search_trials: 4
primary: fid
metrics: [fid, d_loss]
"""


def searches_of(plan: Plan) -> dict[str, ArmSearch]:
    """The searches of a plan that has some, by arm."""
    assert plan.search is not None
    return dict(plan.search.arms)


def with_ended(study: Study, ended: Mapping[str, tuple[SearchTrial, ...]]) -> Study:
    """The study with these trials of the searches of its arms."""
    searches = searches_of(expand(study))
    return study.with_searches({searches[arm].search_id: trials for arm, trials in ended.items()})
