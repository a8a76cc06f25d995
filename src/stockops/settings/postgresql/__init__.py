"""The rules for PostgreSQL, in the order in which they are asked: each sees what others advised."""

from ..rule import Rule
from . import logging, memory, planning, sessions, upkeep, writing

RULES: tuple[Rule, ...] = (
    *memory.RULES,
    *writing.RULES,
    *upkeep.RULES,
    *sessions.RULES,
    *planning.RULES,
    *logging.RULES,
)
