"""
What a PromQL expression can answer, worked out on the labels of the series that there are.

Every series is taken to be there with some value, so that a comparison lets everything through:
what is left is whether names, labels and the matching of vectors can work at all.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .matching import joined, unmatched
from .series import ANY, Known, Labels, Metric, replaced
from .verdicts import Problem, Verdict, best, worst

_NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """The label sets that an expression answers with; None where it is a number or a text."""

    rows: tuple[Labels, ...] | None
    verdict: Verdict = Verdict.LIVES
    problems: tuple[Problem, ...] = ()


def evaluate(node: Any, known: Known) -> Answer:
    """Return what the parsed expression `node` can answer on `known`."""
    kind = type(node).__name__
    return _NODES[kind](node, known)


def _number(_node: Any, _known: Known) -> Answer:
    return Answer(None)


def _inner(node: Any, known: Known) -> Answer:
    return evaluate(node.expr, known)


def _range(node: Any, known: Known) -> Answer:
    return _selector(node.vector_selector, known)


def _selector(node: Any, known: Known) -> Answer:
    import promql_parser  # noqa: PLC0415

    operators = promql_parser.MatchOp
    named = [m.value for m in node.matchers.matchers if m.name == "__name__"]
    name = node.name or (named[0] if named else "")
    metric = _metric(name, known)
    if metric is None:
        return _missing(name, known)
    problems = []
    rows = metric.rows
    for matcher in node.matchers.matchers:
        if matcher.name == "__name__":
            continue
        negative = matcher.op in (operators.NotEqual, operators.NotRe)
        is_pattern = matcher.op in (operators.Re, operators.NotRe)
        fits = _matcher(matcher.value, negative=negative, is_pattern=is_pattern)
        if matcher.name not in metric.names and not fits(""):
            return _no_label(name, matcher.name, metric, known)
        kept = tuple(row for row in rows if fits(dict(row).get(matcher.name, "")))
        if not kept:
            seen = sorted({dict(row).get(matcher.name, "") for row in metric.rows} - {ANY})
            problem = _no_value(name, matcher, seen)
            if problem.verdict is Verdict.DEAD:
                return Answer((), Verdict.DEAD, (problem,))
            problems.append(problem)
            kept = tuple(
                dict.fromkeys(
                    frozenset({**dict(row), matcher.name: ANY}.items()) for row in metric.rows
                )
            )
        rows = kept
    verdict = worst(metric.verdict, *(problem.verdict for problem in problems))
    if metric.verdict is Verdict.WAITS:
        problems.append(Problem(Verdict.WAITS, f"there is no {name} yet: when {metric.when}"))
    return Answer(rows, verdict, tuple(problems))


def _metric(name: str, known: Known) -> Metric | None:
    found = known.metrics.get(name)
    if found is not None or not name or re.fullmatch(r"[a-zA-Z_:][\w:]*", name):
        return found
    pattern = re.compile(name)
    those = [metric for key, metric in known.metrics.items() if pattern.fullmatch(key)]
    if not those:
        return None
    names = frozenset().union(*(metric.names for metric in those))
    return Metric(names, tuple(row for metric in those for row in metric.rows))


def _missing(name: str, known: Known) -> Answer:
    near = difflib.get_close_matches(name, known.metrics, n=3, cutoff=0.8)
    hint = replaced().get(name, "")
    if not hint and near:
        hint = f"There is {', '.join(near)}."
    return Answer((), Verdict.DEAD, (Problem(Verdict.DEAD, f"there is no metric {name}", hint),))


def _no_label(name: str, label: str, metric: Metric, known: Known) -> Answer:
    has = sorted(metric.names - known.target.keys())
    shown = ", ".join(has[:_NAMES_SHOWN]) or "none of its own"
    problem = Problem(
        Verdict.DEAD,
        f"{name} has no label {label}",
        f"Its labels: {shown}. If your scrape configuration adds it: --label {label}",
    )
    return Answer((), Verdict.DEAD, (problem,))


def _no_value(name: str, matcher: Any, seen: list[str]) -> Problem:
    """Return that no series has the value: for ever where it is only written otherwise."""
    twin = next((other for other in seen if other.casefold() == matcher.value.casefold()), None)
    if twin is not None:
        return Problem(Verdict.DEAD, f"no series of {name} has {matcher}", f"It is {twin!r} here.")
    shown = ", ".join(map(repr, seen[:_NAMES_SHOWN])) or "none with a value"
    return Problem(Verdict.WAITS, f"no series of {name} has {matcher} now", f"There is {shown}.")


def _matcher(value: str, *, negative: bool, is_pattern: bool) -> Callable[[str], bool]:
    """Return the test of one matcher; a value that is not known yet passes."""
    if ANY in value or (is_pattern and value in {".*", ".+"}):
        return lambda found: bool(found) or ANY in value or value == ".*"
    if not is_pattern:
        return lambda found: found == ANY or (found == value) != negative
    try:
        pattern = re.compile(value)
    except re.error:  # RE2 has a few forms that Python has not
        return lambda _found: True
    return lambda found: found == ANY or (pattern.fullmatch(found) is not None) != negative


def _aggregate(node: Any, known: Known) -> Answer:
    inner = evaluate(node.expr, known)
    if inner.rows is None or str(node.op) in {"topk", "bottomk", "limitk", "limit_ratio"}:
        return inner
    labels = tuple(node.modifier.labels) if node.modifier else ()
    drops = node.modifier is not None and str(node.modifier.type).endswith("Without")
    rows = dict.fromkeys(
        frozenset(pair for pair in row if (pair[0] in labels) != drops) for row in inner.rows
    )
    if str(node.op) == "count_values":
        rows = dict.fromkeys(row | {(str(node.param).strip('"'), ANY)} for row in rows)
    return Answer(tuple(rows), inner.verdict, inner.problems)


def _call(node: Any, known: Known) -> Answer:
    name = node.func.name
    answers = [evaluate(arg, known) for arg in node.args]
    vectors = [answer for answer in answers if answer.rows is not None]
    problems = tuple(problem for answer in answers for problem in answer.problems)
    verdict = worst(*(answer.verdict for answer in answers))
    if name.startswith("absent"):
        return _absent(answers[0])
    if name in {"time", "pi", "scalar"}:
        return Answer(None, verdict, problems)
    if not vectors:  # vector(1), hour()
        return Answer((frozenset(),), verdict, problems)
    rows = vectors[0].rows or ()
    if name == "histogram_quantile":
        rows = _without(rows, "le")
    elif name in {"label_replace", "label_join"}:
        rows = _relabelled(rows, name, [_text(arg) for arg in node.args[1:]])
    return Answer(tuple(dict.fromkeys(rows)), verdict, problems)


def _text(node: Any) -> str:
    return str(getattr(node, "val", ""))


def _without(rows: tuple[Labels, ...], label: str) -> tuple[Labels, ...]:
    return tuple(frozenset(pair for pair in row if pair[0] != label) for row in rows)


def _relabelled(rows: tuple[Labels, ...], name: str, args: list[str]) -> tuple[Labels, ...]:
    """Return the rows as label_replace or label_join leaves them."""
    made = []
    for row in rows:
        labels = dict(row)
        if name == "label_join":
            parts = [labels.get(source, "") for source in args[2:]]
            labels[args[0]] = ANY if ANY in parts else args[1].join(parts)
        else:
            source = labels.get(args[2], "")
            if source == ANY:
                labels[args[0]] = ANY
            elif found := re.fullmatch(args[3], source):
                labels[args[0]] = found.expand(re.sub(r"\$\{?(\w+)\}?", r"\\g<\1>", args[1]))
        made.append(frozenset((key, value) for key, value in labels.items() if value))
    return tuple(made)


def _absent(inner: Answer) -> Answer:
    """Return what absent() can answer: always something where the metric can never be there."""
    if inner.verdict is not Verdict.DEAD:
        return Answer((frozenset(),))
    what = "; ".join(problem.what for problem in inner.problems)
    hint = next((problem.hint for problem in inner.problems if problem.hint), "")
    always = Problem(Verdict.DEAD, f"absent() is always true here: {what}", hint)
    return Answer((), Verdict.DEAD, (always,))


def _binary(node: Any, known: Known) -> Answer:
    left, right = evaluate(node.lhs, known), evaluate(node.rhs, known)
    problems = left.problems + right.problems
    if left.rows is None or right.rows is None:
        rows = left.rows if right.rows is None else right.rows
        return Answer(rows, worst(left.verdict, right.verdict), problems)
    op = str(node.op).strip()
    if op == "or":
        return _either(left, right, node.modifier)
    if op == "unless":
        return _unless(left, right)
    verdict = worst(left.verdict, right.verdict)
    if verdict is Verdict.DEAD:
        return Answer((), verdict, problems)
    found, problem = joined(left.rows, right.rows, op=op, modifier=node.modifier)
    if problem is not None:
        problems = (*problems, problem)
        verdict = worst(verdict, problem.verdict)
    return Answer(found, verdict, problems)


def _either(left: Answer, right: Answer, modifier: Any) -> Answer:
    """Return the left side's series, and those of the right that the left has no match for."""
    rows = (left.rows or ()) + unmatched(right.rows or (), left.rows or (), modifier=modifier)
    dead = [answer for answer in (left, right) if answer.verdict is Verdict.DEAD]
    problems = left.problems + right.problems
    if len(dead) == 1:  # the other side answers: a finding all the same, not a dead expression
        problems = tuple(
            Problem(Verdict.WAITS, f"one side of or is dead: {problem.what}", problem.hint)
            if problem in dead[0].problems
            else problem
            for problem in problems
        )
        other = right if dead[0] is left else left
        return Answer(rows, worst(other.verdict, Verdict.WAITS), problems)
    return Answer(rows, best(left.verdict, right.verdict), problems)


def _unless(left: Answer, right: Answer) -> Answer:
    if right.verdict is not Verdict.DEAD:
        return Answer(left.rows, left.verdict, left.problems)
    what = "; ".join(problem.what for problem in right.problems)
    note = Problem(Verdict.WAITS, f"unless takes nothing away: {what}")
    return Answer(left.rows, worst(left.verdict, Verdict.WAITS), (*left.problems, note))


_NODES: dict[str, Callable[[Any, Known], Answer]] = {
    "NumberLiteral": _number,
    "StringLiteral": _number,
    "ParenExpr": _inner,
    "UnaryExpr": _inner,
    "SubqueryExpr": _inner,
    "MatrixSelector": _range,
    "VectorSelector": _selector,
    "AggregateExpr": _aggregate,
    "Call": _call,
    "BinaryExpr": _binary,
}
