"""From the text of a statement to its class."""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache

from .masking import GRAMMARS, Dialect
from .reading import read
from .tags import Tags

# Masked texts whose classes are kept, and how long one may be to be kept.
KEPT_MAX = 8_192
KEPT_LENGTH_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Statement:
    """
    What a statement is, apart from its literals.

    `text` is the normalised text of the class, on one line; `class_id` are the first 16 hex digits
    of its SHA-256. `verb` is the first word in upper case, of a statement after WITH that of the
    statement itself, and empty where there is none. `tags` are those of sqlcommenter, sorted; they
    are no part of the class. `cut` says that a string, a comment or a quoted name did not end.
    """

    text: str
    class_id: str
    verb: str
    tags: Tags
    cut: bool


def _statement(masked: str, dialect: Dialect) -> Statement:
    answer = read(masked, dialect=dialect)
    digest = hashlib.sha256(answer.text.encode("utf-8", "surrogatepass")).hexdigest()
    return Statement(answer.text, digest[:16], answer.verb, (), answer.cut)


_kept = lru_cache(maxsize=KEPT_MAX)(_statement)


def classify(sql: str, *, dialect: Dialect, ansi_quotes: bool = False) -> Statement:
    """
    Return the class of `sql`, one statement or several, whatever text it is.

    Literals and placeholders (``5``, ``'it''s'``, ``$1``, ``?``, ``:name``, ``%s``) are ``?``, with
    the sign before them. So are NULL, TRUE and FALSE where a value stands (``IS NULL`` stays), and
    the names of savepoints. Lists collapse, whatever their length: ``IN (?, ...)``, ``= ANY (?)``,
    rows of VALUES to those that differ. Comments are gone, but hints and MariaDB's ``/*! */`` stay.
    PostgreSQL's names are folded as the server folds them; MariaDB's stay as they are, but for
    keywords and functions. `ansi_quotes` reads ``"x"`` as a name in MariaDB.

    A statement has one class whether it comes from a log with its literals, from a log with
    placeholders, from pg_stat_statements (seen on 18) or from the digests of performance_schema
    (MariaDB 10.11), but where the server itself left out what tells:

    - a digest has `@?` for every user variable, no hints, and what stands in ``/*! */`` bare;
    - a digest is cut at `max_digest_length`;
    - a statement of a routine has the names of its variables in one and values in another;
    - an array that is an expression of literals (``ARRAY[1 + 1]``) is one in a text, none in `$1`.

    In MariaDB lists of two literals or more are one, in any place, as they are in its digests:
    ``f(1, 2)`` and ``f(1, 2, 3)`` are ``f(?, ...)``.
    """
    masked = GRAMMARS[dialect, ansi_quotes].mask(sql)
    keep = len(masked.text) <= KEPT_LENGTH_MAX
    statement = (_kept if keep else _statement)(masked.text, dialect)
    if masked.cut or masked.tags:
        return replace(statement, tags=masked.tags, cut=masked.cut or statement.cut)
    return statement
