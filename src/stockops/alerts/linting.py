"""Lint: each expression of rules and dashboards against what a server exports."""

from collections.abc import Sequence
from dataclasses import dataclass

from .evaluation import Answer, evaluate
from .parts import Expression, Kind
from .series import ANY, Known
from .verdicts import Problem, Verdict


@dataclass(frozen=True, slots=True)
class Linted:
    """One expression and its verdict; `problem` and `hint` are empty where it lives."""

    file: str
    kind: Kind
    name: str
    verdict: Verdict
    problem: str
    hint: str
    expression: str


def lint(expressions: Sequence[Expression], *, known: Known) -> list[Linted]:
    """Return the verdict on each expression; what a recording rule makes is known after it."""
    answers: dict[Expression, Answer] = {}
    recording = [each for each in expressions if each.kind is Kind.RECORD]
    for each in recording:  # in the order of the files: a rule may use what stands before it
        answer = _answer(each, known)
        rows = tuple(
            frozenset({**dict(row), **dict.fromkeys(each.labels, ANY)}.items())
            for row in answer.rows or ()
        )
        answers[each] = answer
        if answer.verdict is not Verdict.DEAD:
            known = known.with_recorded(each.name, rows, answer.verdict)
    return [_linted(each, answers.get(each) or _answer(each, known)) for each in expressions]


def _answer(expression: Expression, known: Known) -> Answer:
    import promql_parser  # noqa: PLC0415

    try:
        parsed = promql_parser.parse(expression.text)
    except ValueError as exc:
        return Answer((), Verdict.DEAD, (Problem(Verdict.DEAD, f"it is no PromQL: {exc}"),))
    answer = evaluate(parsed, known)
    if expression.kind is Kind.VARIABLE and answer.rows:
        return _listed(expression, answer)
    return answer


def _listed(expression: Expression, answer: Answer) -> Answer:
    """Return what a variable that lists a label's values can list."""
    for label in expression.labels:
        if not any(label == name for row in answer.rows or () for name, _ in row):
            problem = Problem(Verdict.DEAD, f"{expression.text} has no label {label}")
            return Answer((), Verdict.DEAD, (*answer.problems, problem))
    return answer


def _linted(expression: Expression, answer: Answer) -> Linted:
    found = sorted(dict.fromkeys(answer.problems), key=lambda p: p.verdict is not Verdict.DEAD)
    return Linted(
        file=expression.file,
        kind=expression.kind,
        name=expression.name,
        verdict=answer.verdict,
        problem="; ".join(problem.what for problem in found).replace(ANY, "*"),
        hint=" ".join(dict.fromkeys(p.hint for p in found if p.hint)).replace(ANY, "*"),
        expression=expression.text.replace(ANY, "*"),
    )
