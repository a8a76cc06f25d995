"""Why a channel did not take a notice, in words that hold no secret."""

import base64
from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from ..errors import StockopsError
from ..passwords import Secret

Why = Literal["refused", "timeout", "dns", "tls", "lost", "rejected", "busy", "broken"]
REASON_CHARACTERS_MAX = 160
SHORT = 4  # a secret this short is also a word


class Undelivered(StockopsError):
    """
    A channel did not take what it was given.

    `is_final` says that the same would be refused again: another try is of no use.
    """

    def __init__(self, why: Why, detail: str, *, is_final: bool = False) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
        self.is_final = is_final


def scrubbed(text: str, secrets: Iterable[Secret]) -> str:
    """Return `text` on one line, without any of `secrets`, however they are written in it."""
    for secret in secrets:
        for form in _forms(secret.reveal()):
            text = text.replace(form, "***")
    text = " ".join(text.split())
    return text[:REASON_CHARACTERS_MAX]


def _forms(secret: str) -> list[str]:
    """Return the ways in which a protocol may repeat `secret`, the longest first."""
    forms = {secret, quote(secret, safe=""), quote(secret), unquote(secret)}
    forms.add(base64.b64encode(secret.encode()).decode())
    forms.add(repr(secret)[1:-1])
    if "://" in secret:
        parts = urlsplit(secret)
        forms |= {parts.path, parts.query, parts.netloc.rpartition("@")[0]}
    return sorted((form for form in forms if len(form) >= SHORT), key=len, reverse=True)
