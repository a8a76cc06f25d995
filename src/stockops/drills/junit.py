"""Runs of drills as a JUnit file, which every CI knows how to show."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from .history import Record, Verdict

_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])  # in XML, whatever escapes them


def junit(records: Sequence[Record]) -> bytes:
    """
    Return `records` as XML: a suite for each drill, a case for each run.

    FAIL is a failure. UNKNOWN and ABORTED are errors; so is NOT_INJECTED, since a run that proved
    nothing must not be green.
    """
    top = Element("testsuites", name="stockops drill")
    ordered = sorted(records, key=lambda each: (each.drill, each.run))
    for drill, runs in groupby(ordered, key=lambda each: each.drill):
        _suite(top, drill, list(runs))
    indent(top)
    text: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _suite(top: Element, drill: str, runs: Sequence[Record]) -> None:
    failed = sum(each.verdict is Verdict.FAIL for each in runs)
    passed = sum(each.passed for each in runs)
    suite = SubElement(
        top,
        "testsuite",
        name=drill,
        tests=str(len(runs)),
        failures=str(failed),
        errors=str(len(runs) - failed - passed),
        timestamp=runs[0].started_at.isoformat(timespec="seconds"),
        time=f"{sum(map(_took_s, runs)):.3f}",
    )
    for record in runs:
        case = SubElement(
            suite,
            "testcase",
            classname=f"{drill}.{record.engine}",
            name=record.run,
            time=f"{_took_s(record):.3f}",
        )
        if not record.passed:
            kind = "failure" if record.verdict is Verdict.FAIL else "error"
            said = "\n".join(record.reasons).translate(_FORBIDDEN)
            first = said.partition("\n")[0] or record.verdict.value
            SubElement(case, kind, type=record.verdict.value, message=first).text = said


def _took_s(record: Record) -> float:
    return (record.ended_at - record.started_at).total_seconds()
