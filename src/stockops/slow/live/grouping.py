"""From the entries of a server to classes of statements: the same ones as in its logs."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ... import queries
from ...engine.base import Server
from ...errors import Unsupported
from ...sessions import ACTIVITY, WAITS
from ...sessions.questions import WHO
from ...statements import Dialect, Statement, classify
from . import questions
from .counting import Cost

_KEYS_AT_ONCE = 500
_TEXTS_MAX = 20_000
# A digest is cut at max_digest_length: that much of the beginning tells our own questions.
_HEAD_CHARACTERS = 120
_PARAMETER = re.compile(r"%\(\w+\)s")


@dataclass(slots=True)
class ClassCost:
    """What a class has cost in a span."""

    class_id: str
    text: str
    calls: int = 0
    total_us: int = 0
    row_count: int = 0
    pages_read: int | None = None
    databases: set[str] = field(default_factory=set)

    def add(self, cost: Cost) -> None:
        """Count `cost` in."""
        self.calls += cost.calls
        self.total_us += cost.total_us
        self.row_count += cost.row_count
        if cost.pages_read is not None:
            self.pages_read = (self.pages_read or 0) + cost.pages_read
        if cost.database_name:
            self.databases.add(cost.database_name)


@dataclass(slots=True, kw_only=True)
class Grouped:
    """All costs of a span: of the classes, of our own questions, and of what has no text."""

    classes: dict[str, ClassCost] = field(default_factory=dict)
    own_us: int = 0
    nameless_us: int = 0
    hidden_us: int = 0
    rest_us: int = 0

    @property
    def known_us(self) -> int:
        """What the classes took together."""
        return sum(each.total_us for each in self.classes.values())


class Texts:
    """The statements of a server by their keys, asked for once each."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._dialect: Dialect = "postgresql" if server.engine == "postgresql" else "mariadb"
        self._known: dict[str, Statement] = {}
        self._own = _own_heads(server, self._dialect)

    def learn(self, keys: Iterable[str]) -> None:
        """Ask for the texts of those of `keys` that are not known yet."""
        if len(self._known) > _TEXTS_MAX:
            self._known.clear()
        new = sorted(set(keys) - self._known.keys())
        for start in range(0, len(new), _KEYS_AT_ONCE):
            batch = ",".join(new[start : start + _KEYS_AT_ONCE])
            for text in self._server.fetch(questions.TEXTS, keys=batch):
                if text.text_key is not None and text.sql_text:
                    self._known[text.text_key] = classify(text.sql_text, dialect=self._dialect)

    def of(self, text_key: str | None, sql: str | None) -> Statement | None:
        """Return the class of an entry; None where the server has no text of it."""
        if text_key is not None and text_key in self._known:
            return self._known[text_key]
        return classify(sql, dialect=self._dialect) if sql else None

    def is_own(self, statement: Statement) -> bool:
        """Tell whether it is a question of this program."""
        return statement.text[:_HEAD_CHARACTERS] in self._own


def group(texts: Texts, costs: Sequence[Cost]) -> Grouped:
    """Add `costs` up by classes."""
    texts.learn(cost.text_key for cost in costs if cost.text_key is not None)
    found = Grouped()
    for cost in costs:
        if cost.kind == "hidden":
            found.hidden_us += cost.total_us
            continue
        if cost.kind == "rest":
            found.rest_us += cost.total_us
            continue
        statement = texts.of(cost.text_key, cost.sql_text)
        if statement is None:
            found.nameless_us += cost.total_us
        elif texts.is_own(statement):
            found.own_us += cost.total_us
        else:
            each = found.classes.setdefault(
                statement.class_id, ClassCost(statement.class_id, statement.text)
            )
            each.add(cost)
    return found


def _own_heads(server: Server, dialect: Dialect) -> set[str]:
    heads = set()
    for query in (*questions.ASKED, ACTIVITY, WAITS, WHO):
        try:
            sql = queries.text(server.engine, query.name, server.version[0])
        except Unsupported:
            continue
        plain = _PARAMETER.sub("?", sql).replace("%%", "%")
        heads.add(classify(plain, dialect=dialect).text[:_HEAD_CHARACTERS])
    return heads
