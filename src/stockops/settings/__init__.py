"""Advice on a server's settings: rules with evidence, formula and source."""

from dataclasses import replace

from .facts import WINDOW_S_MIN, Counter, Disk, Facts, Machine, Missing, Setting
from .judging import RULES, Advice, Totals, advise, followed, only, totals
from .reading import read
from .rule import Evidence, Rule

__all__ = [
    "RULES",
    "WINDOW_S_MIN",
    "Advice",
    "Counter",
    "Disk",
    "Evidence",
    "Facts",
    "Machine",
    "Missing",
    "Rule",
    "Setting",
    "Totals",
    "advise",
    "followed",
    "only",
    "read",
    "said",
    "totals",
]


def said(facts: Facts, *, memory_bytes: int | None, cpus: int | None, disk: Disk | None) -> Facts:
    """Return `facts` with what a person says of the machine in the place of what was found."""
    machine = facts.machine
    if memory_bytes is not None or cpus is not None:
        machine = replace(machine, known_by="what was said, and " + (machine.known_by or "nothing"))
    machine = replace(
        machine,
        memory_bytes=machine.memory_bytes if memory_bytes is None else memory_bytes,
        cpus=machine.cpus if cpus is None else cpus,
        disk=machine.disk if disk is None else disk,
    )
    return replace(facts, machine=machine)
