"""The advice on a server's settings, as a trial can take it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..settings import Advice, Facts, words
from .changes import Held


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A setting that is not tried, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tryable:
    """What is tried: the values `wanted`, and those that the server has `now`."""

    wanted: Mapping[str, str]
    now: Mapping[str, str]
    left_out: tuple[LeftOut, ...]


def tryable(facts: Facts, advice: Iterable[Advice], held: Mapping[str, Held]) -> Tryable:
    """Return what of `advice`, which rests on `facts`, a trial can set, and what it cannot."""
    wanted, now, left_out = {}, {}, []
    for each in advice:
        if each.state != "advised" or each.proposed_value is None or each.now_value is None:
            continue
        why = _against(each, held.get(each.setting))
        if why:
            left_out.append(LeftOut(each.setting, why))
            continue
        kind = facts.settings[each.setting].kind
        wanted[each.setting] = words.plain(facts.engine, each.proposed_value, kind)
        now[each.setting] = words.plain(facts.engine, each.now_value, kind)
    return Tryable(wanted=wanted, now=now, left_out=tuple(left_out))


def _against(advice: Advice, held: Held | None) -> str:
    """Return why the advice cannot be tried; nothing where it can."""
    if held is None:
        return "it is done by hand, it is no setting"
    if held.takes == "never":
        return "no server can be told while it is there"
    lines = [line for line in advice.option_lines if not line.startswith("[")]
    if any(line.partition(" = ")[0] != advice.setting for line in lines) or len(lines) > 1:
        return "the option file says it by other lines"
    return ""
