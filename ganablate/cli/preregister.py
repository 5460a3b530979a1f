"""`preregister`: the question of a study, written down before it runs."""

from ganablate.cli.console import output, refuse
from ganablate.cli.options import BudgetName, Plugins, StudyFiles
from ganablate.project.folders import HERE
from ganablate.project.plans import plans_of, read_studies


def preregister(studies: StudyFiles, budget: BudgetName = None, plugin: Plugins = None) -> None:
    """Write down what a study asks before it runs, as a row of results/looks.csv.

    Primary metric, arms, claims, margins and points, with hash and date. Tables then say so, and
    what is changed later is told there. Where results are there already, it is refused.
    """
    from ganablate.project.preregister import preregister as write
    from ganablate.report.frames.question import question_hash

    plans = plans_of(read_studies(studies), budget)
    HERE.require_writable(plans)
    for plan in plans:
        try:
            look, is_new = write(HERE, plan)
        except ValueError as error:
            refuse(str(error).splitlines())
        done = "preregistered" if is_new else f"preregistered already, on {look.date}"
        text = f"sha256 {question_hash(look.asked)[:12]}, in {HERE.results}/looks.csv"
        output.line(f"{plan.study} at the budget {plan.budget}: {done}: {text}")
