"""What a client asks and what it is told, as far as a proxy must know to lose words of it."""

import re
from dataclasses import dataclass
from typing import Protocol

# What begins so writes nothing that a COMMIT would make last.
_QUIET = frozenset(re.findall(r"\w+", """
    ANALYZE BEGIN CHECK CHECKPOINT CLOSE DEALLOCATE DECLARE DESC DESCRIBE DISCARD EXPLAIN FETCH
    FLUSH HELP KILL LISTEN LOCK MOVE NOTIFY PREPARE RELEASE RESET ROLLBACK SAVEPOINT SELECT SET
    SHOW START TABLE UNLISTEN UNLOCK USE VACUUM VALUES WITH
"""))  # fmt: skip
_FIRST_WORD = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*\n|\()*([A-Za-z]+)", re.DOTALL)
_ENDS = frozenset({"COMMIT", "END"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    One request, whole. `alone`: no transaction was open, so it is one by itself.

    Where the texts are not known, because they were prepared before anybody listened, there are
    none.
    """

    texts: tuple[str, ...]
    alone: bool

    def may_commit(self, pattern: "re.Pattern[str] | None") -> bool:
        """Tell whether it would end a transaction with something in it that `pattern` fits."""
        for text in self.texts:
            word = first_word(text)
            if not self.alone and word not in _ENDS:
                continue
            if pattern.search(text) if pattern else word not in _QUIET:
                return True
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    One answer, whole, to `texts`. `over`: it ended without an error, and no transaction is open.

    `verbs` are the words in which the server names what it did, where it does.
    """

    texts: tuple[str, ...]
    over: bool
    verbs: tuple[str, ...] = ()

    def has_committed(self, pattern: "re.Pattern[str] | None") -> bool:
        """Tell whether a transaction with something in it that `pattern` fits was committed."""
        if not self.over:
            return False
        if pattern:
            return any(map(pattern.search, self.texts))
        words = self.verbs or tuple(map(first_word, self.texts))
        return any(word not in _QUIET for word in words if word)


Cut = tuple[int, Asked | Told | None]
"""A place in a chunk behind which nothing is held back, and the request or answer that ends there;
None where what ends there is neither, but must go on at once."""


class Talk(Protocol):
    """
    The conversation of one connection, followed chunk by chunk.

    To add an engine's protocol: write a class with these members, and a line in `TALKS` of
    `stockops.proxy.link`.
    """

    blind: str  # why nothing can be told from now on: "TLS"; empty where it can

    @property
    def answering(self) -> bool:
        """Whether an answer is on its way, or asked for, that is to be taken whole."""

    def up(self, data: bytes) -> list[Cut]:
        """Follow what the client sends; return where requests end in it."""

    def down(self, data: bytes) -> list[Cut]:
        """Follow what the server sends; return where answers end in it."""


def first_word(text: str) -> str:
    """Return the first word of a statement in capitals, past comments and parentheses."""
    found = _FIRST_WORD.match(text)
    return found[1].upper() if found else ""
