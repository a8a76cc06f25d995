"""The rules for MariaDB, in the order in which they are asked: each sees what others advised."""

from ..rule import Rule
from . import buffers, durability, logging, redo, sessions, text

RULES: tuple[Rule, ...] = (
    *buffers.RULES,
    *sessions.BUFFERS,
    *durability.RULES,
    *redo.RULES,
    *sessions.LIMITS,
    *text.RULES,
    *logging.RULES,
)
