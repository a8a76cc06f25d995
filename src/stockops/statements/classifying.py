"""From the text of a statement to its class."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import accumulate
from typing import AnyStr, cast

from .masking import Dialect, Grammar, grammar
from .reading import read
from .sketching import Soundness, sketch, sketches, soundness, with_names
from .squeezing import squeezed_text
from .tags import Tags, tags_of

try:  # as the standard library's random does: OpenSSL, which hashlib loads, takes 4 ms
    from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha256

# Masked texts whose classes are kept, and how long one may be to be kept.
KEPT_MAX = 8_192
KEPT_LENGTH_MAX = 4_096
# Sketches that are remembered: how long one may be, and all of them.
SKETCH_BYTES_MAX = 4_096
SKETCHES_BYTES_MAX = 16_000_000

# Texts that are looked at together; how many make no difference but for one with an odd quote.
_AT_ONCE = 1_024
_ODD_SIGNS = {"postgresql": (b"/*",), "mariadb": (b"/*", b"\\")}
# What a comment stands between, what may stand behind one at the end, and what one begins with that
# is more than a comment.
_TEXT = ("/*", "*/", " \t\r\n;", "!+M")
_BYTES = (b"/*", b"*/", b" \t\r\n;", b"!+M")


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
    digest = sha256(answer.text.encode("utf-8", "surrogatepass")).hexdigest()
    return Statement(answer.text, digest[:16], answer.verb, (), answer.cut)


_kept = lru_cache(maxsize=KEPT_MAX)(_statement)


@dataclass(slots=True)
class _Classes:
    """The classes of one dialect, as far as they were seen."""

    dialect: Dialect
    ansi_quotes: bool
    grammar: Grammar
    # A sketch that does not lead to a class says why.
    sketched: dict[bytes, Statement | Soundness] = field(default_factory=dict)
    sketched_bytes: int = 0

    def of(self, sql: str) -> Statement:
        """Return the class of `sql`, by the shortest way there is."""
        if "/*" in sql:
            return self._without_comment(sql) or self._of_sketch(sql) or self._of_all(sql)
        return self._of_sketch(sql) or self._of_all(sql)

    def of_each(self, texts: Sequence[bytes]) -> list[Statement]:
        """Return the class of each of `texts`, most of them without a look at one alone."""
        answers: list[Statement] = []
        for start in range(0, len(texts), _AT_ONCE):
            answers += self._of_some(texts[start : start + _AT_ONCE])
        return answers

    def _of_some(self, texts: Sequence[bytes]) -> list[Statement]:
        plain, comments = list(texts), dict[int, bytes]()
        for place in self._odd(texts):
            plain[place], comments[place] = self._bare(texts[place])
        found = sketches(plain)
        if found is None:  # one of them has a quote too many: which one is asked here
            return [self.of(_decoded(text)) for text in texts]
        known = list(map(self.sketched.get, found))
        for place in comments:
            if not plain[place]:
                known[place] = None
        if set(map(type, known)) != {Statement}:
            every = zip(known, found, plain, texts, strict=True)
            known = [
                each[0] if type(each[0]) is Statement else self._known(*each) for each in every
            ]
        answers = cast("list[Statement]", known)
        for place, comment in comments.items():
            tags = _tags(_decoded(comment))
            if tags and not answers[place].tags:
                answers[place] = replace(answers[place], tags=tags)
        return answers

    def _bare(self, text: bytes) -> tuple[bytes, bytes]:
        """Return `text` without its comment, and that; nothing where it has no sketch."""
        body, comment = _apart(text, _BYTES) or (text, b"")
        return (b"", b"") if self.dialect == "mariadb" and b"\\" in body else (body, comment)

    def _known(
        self, known: Statement | Soundness | None, found: bytes, plain: bytes, text: bytes
    ) -> Statement:
        """Return the class of `text`, which without a comment is `plain` and has that sketch."""
        if known is None and plain:  # one of the texts before it may have had the same sketch
            known = self.sketched.get(found)
        if known is Soundness.WITH_NAMES:
            known = self.sketched.get(with_names(found, plain))
        return known if type(known) is Statement else self.of(_decoded(text))

    def _odd(self, texts: Sequence[bytes]) -> set[int]:
        """Return the places of those texts that are to be looked at before their sketches are."""
        every = b"".join(texts)  # a sign of two halves costs a look, and does no harm
        signs = [at for sign in _ODD_SIGNS[self.dialect] for at in _places(every, sign)]
        if not signs:
            return set()
        ends = list(accumulate(map(len, texts)))
        return {bisect_right(ends, sign) for sign in signs}

    def _of_sketch(self, sql: str) -> Statement | None:
        if self.dialect == "mariadb" and "\\" in sql:
            return None
        found = sketch(sql)
        if found is None or len(found) > SKETCH_BYTES_MAX:
            return None
        try:
            known = self.sketched[found]
            if known is Soundness.WITH_NAMES:
                known = self.sketched[with_names(found, _encoded(sql))]
        except KeyError:
            return self._learn(sql, found)
        return known if isinstance(known, Statement) else None

    def _learn(self, sql: str, found: bytes) -> Statement | None:
        sound = soundness(found, dialect=self.dialect, ansi_quotes=self.ansi_quotes)
        if sound is Soundness.NO:
            self._remember(found, sound)
            return None
        statement = self._of_all(sql)
        if sound is Soundness.WITH_NAMES:
            self._remember(found, sound)
            found = with_names(found, _encoded(sql))
        self._remember(found, statement)
        return statement

    def _remember(self, found: bytes, known: Statement | Soundness) -> None:
        self.sketched_bytes += len(found)
        if self.sketched_bytes > SKETCHES_BYTES_MAX:
            self.sketched.clear()
            self.sketched_bytes = len(found)
        self.sketched[found] = known

    def _without_comment(self, sql: str) -> Statement | None:
        """Return the class where one comment stands before or behind all else, and no other."""
        parts = _apart(sql, _TEXT)
        statement = self._of_sketch(parts[0]) if parts else None
        if parts and statement and (tags := _tags(parts[1])):
            return replace(statement, tags=tags)
        return statement

    def _of_all(self, sql: str) -> Statement:
        masked = self.grammar.mask(sql)
        text = squeezed_text(masked.text)
        keep = len(text) <= KEPT_LENGTH_MAX
        statement = (_kept if keep else _statement)(text, self.dialect)
        if masked.cut or masked.tags:
            return replace(statement, tags=masked.tags, cut=masked.cut or statement.cut)
        return statement


@cache
def _classes(dialect: Dialect, ansi_quotes: bool) -> _Classes:
    return _Classes(dialect, ansi_quotes, grammar(dialect, ansi_quotes=ansi_quotes))


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

    - a digest has ``@?`` for every user variable, no comment, and what stands in ``/*! */`` bare;
    - a digest is cut at `max_digest_length`;
    - an array that is an expression of literals (``ARRAY[1 + 1]``) is one in a text, none in `$1`.

    In MariaDB lists of two literals or more are one, in any place, as they are in its digests:
    ``f(1, 2)`` and ``f(1, 2, 3)`` are ``f(?, ...)``.
    """
    return _classes(dialect, ansi_quotes).of(sql)


def classify_all(texts: Sequence[bytes], *, dialect: Dialect) -> list[Statement]:
    """Return what `classify` says of each of `texts`, read as UTF-8, in a third of the time."""
    return _classes(dialect, False).of_each(texts)


def _places(text: bytes, sign: bytes) -> Iterator[int]:
    """Give where `sign` stands; to look for a single byte takes a tenth of what two bytes do."""
    at = text.find(sign[:1])
    while at >= 0:
        if text.startswith(sign, at):
            yield at
        at = text.find(sign[:1], at + 1)


def _apart(sql: AnyStr, signs: tuple[AnyStr, ...]) -> tuple[AnyStr, AnyStr] | None:
    """Return `sql` without its comment, and that; None but where one stands at an end, alone."""
    opening, closing, blank, meant = signs
    start, end = sql.find(opening), sql.rfind(closing)
    before, comment, behind = sql[:start], sql[start + 2 : end], sql[end + 2 :]
    at_end = not behind.strip(blank)
    several = opening in comment or closing in comment
    if end < start or several or comment[:1] in meant or not (at_end or start == 0):
        return None
    return (before if at_end else behind), comment


def _tags(comment: str) -> Tags:
    return tuple(sorted(dict(tags_of(comment)).items())) if "='" in comment else ()


def _encoded(sql: str) -> bytes:
    return sql.encode("utf-8", "surrogatepass")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
