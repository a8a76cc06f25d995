"""
The operators' questions: named, with parameters, answered by one read of the database.

`rows` says what each answers with, `catalogue` lists them, `asking` reads the parameters as a
person types them and asks in a transaction that cannot write and cannot last.
"""

from .asking import TIME_LIMIT_S, Answered, Parameter, ask, listed, parse
from .catalogue import SCENARIOS, Param, Scenario, find

__all__ = [
    "SCENARIOS",
    "TIME_LIMIT_S",
    "Answered",
    "Param",
    "Parameter",
    "Scenario",
    "ask",
    "find",
    "listed",
    "parse",
]
