"""
Where a MariaDB statement ends that has statements inside: routines, triggers, events, blocks.

A `;` ends it only when every BEGIN, IF, CASE, LOOP, WHILE, REPEAT and FOR has met its END. The
difficulty is that IF, REPEAT and CASE are functions and expressions too, so what counts is the
place: each of them opens a block only where a statement may begin.
"""

from .lexing import Token

_PROGRAMS = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"})
_OBJECTS = _PROGRAMS | {
    "TABLE", "VIEW", "INDEX", "USER", "ROLE", "DATABASE", "SCHEMA", "SEQUENCE", "SERVER",
    "TEMPORARY", "UNIQUE", "FULLTEXT", "SPATIAL",
}  # fmt: skip
_OPENERS = frozenset({"BEGIN", "IF", "CASE", "LOOP", "WHILE", "REPEAT", "FOR"})
_SIMPLE = frozenset({
    "SET", "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "CALL", "SIGNAL", "RESIGNAL", "GET",
    "RETURN", "ROLLBACK", "COMMIT", "LEAVE", "ITERATE", "OPEN", "FETCH", "CLOSE", "WITH",
    "EXECUTE", "PREPARE", "TRUNCATE", "START",
})  # fmt: skip


class Statement:
    """Follow one statement token by token; `depth` is 0 wherever a delimiter may end it."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._brackets = 0
        self._first = ""  # first word of the whole statement
        self._object = ""  # what CREATE or ALTER makes: PROCEDURE, TABLE, …
        self._before: Token | None = None
        self._may_begin = True  # a statement may begin here
        self._header = False  # between CREATE PROCEDURE and the first word of its body
        self._header_ready = False  # the part of the header that can hold body words is over
        self._handler = False  # between DECLARE … HANDLER and the statement it runs
        self._inner_first = ""  # first word of the statement inside the program
        self._ended = False  # the last word was END

    @property
    def depth(self) -> int:
        """How many blocks and brackets are open."""
        return len(self._blocks) + self._brackets

    @property
    def innermost(self) -> str:
        """The block that waits for its END; empty outside of blocks."""
        return self._blocks[-1] if self._blocks else ""

    def see(self, token: Token) -> None:
        """Take the next token that is neither blank nor comment."""
        match token.kind:
            case "word":
                self._see_word(token.word)
            case "open" | "close":
                self._see_bracket(token)
            case "end":
                self._begin_inner()
            case "sign" if token.text == ";":
                self._begin_inner()
            case "sign" if token.text == ":" and not self._header:
                self._may_begin = True
            case "sign" if token.text == ":":
                self._header, self._may_begin = False, True
            case _:
                self._may_begin = False
        self._before = token

    def _begin_inner(self) -> None:
        self._may_begin, self._ended, self._handler, self._inner_first = True, False, False, ""

    def _see_bracket(self, token: Token) -> None:
        self._brackets += 1 if token.kind == "open" else -1
        self._brackets = max(self._brackets, 0)
        comment = token.text.startswith(("/*", "*/"))
        if comment:
            return
        self._may_begin = False
        if token.kind == "close" and self._object in ("PROCEDURE", "FUNCTION"):
            self._header_ready = True

    def _see_word(self, word: str) -> None:
        if self._before is not None and self._before.text in (".", "@"):
            self._may_begin = False
        elif self._ended and word in _OPENERS:
            self._ended = False  # END IF, END LOOP: the second word belongs to the first
        elif not self._first:
            self._see_first(word)
        elif not self._object and self._first in ("CREATE", "ALTER"):
            if word in _OBJECTS:
                self._object, self._header = word, word in _PROGRAMS
        elif self._header:
            self._see_header(word)
        elif self._blocks or self._object in _PROGRAMS:
            self._see_body(word)

    def _see_first(self, word: str) -> None:
        self._first = word
        self._may_begin = False
        # BEGIN alone starts a transaction; BEGIN NOT ATOMIC a block: see `_see_header`.
        if word == "BEGIN":
            self._object, self._header = "BLOCK", True
        elif word in _OPENERS:
            self._object = "EVENT"
            self._open(word)

    def _see_header(self, word: str) -> None:
        if self._object == "BLOCK":
            self._header = False
            if word == "NOT":
                self._object = "EVENT"
                self._open("BEGIN")
            return
        ready = self._header_ready
        if self._object == "TRIGGER":
            self._header_ready = ready or word == "ROW"
        elif self._object == "EVENT" and word == "DO":
            self._header, self._may_begin = False, True
            return
        typed = self._before is not None and self._before.word == "RETURNS"
        if ready and not self._brackets and not typed and word in _OPENERS | _SIMPLE:
            self._header, self._may_begin = False, True
            self._see_body(word)

    def _see_body(self, word: str) -> None:
        begins, self._may_begin = self._may_begin, False
        if begins:
            self._inner_first = word
        if self._handler and word in _OPENERS | _SIMPLE and word != "FOR":
            begins, self._handler = True, False
        if word == "END":
            self._close()
        elif word in _OPENERS and (begins or word == "CASE"):
            self._open(word if begins else "CASE expression")
        elif word == "HANDLER" and self._inner_first == "DECLARE":
            self._handler = True
        elif word in ("THEN", "ELSE"):
            self._may_begin = self.innermost != "CASE expression"
        elif word == "ATOMIC" and self._before is not None and self._before.word == "NOT":
            self._may_begin = True
        elif word == "DO" and not begins:
            self._may_begin = self.innermost in ("WHILE", "FOR")

    def _open(self, word: str) -> None:
        self._blocks.append(word)
        self._may_begin = word in ("BEGIN", "LOOP", "REPEAT")

    def _close(self) -> None:
        if self._before is not None and self._before.word == "XA":
            return
        if self._blocks:
            self._ended = self._blocks.pop() not in ("CASE expression", "BEGIN")
