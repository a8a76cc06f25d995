"""
What a server says, as one document of JSON.

One value is read several times as fast as hundreds of rows are, and a column that this version of
the server lacks is absent from it without anything else being lost. Every such question answers in
one column of one name, by which the statistics of statements leave our own out.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.base import Server
from ..queries import Query
from .context import Context
from .families import Family


@dataclass(frozen=True, slots=True)
class Document:
    """The only row of an answer: JSON, or None where there was nothing to make it of."""

    stockops_document: str | None


def ask(server: Server, query: Query[Document], /, **params: object) -> Any:
    """Return what the document of `query` holds: lists, mappings, numbers and text."""
    return json.loads(_text(server, query, params))


def ask_unless_same(
    server: Server,
    query: Query[Document],
    /,
    *,
    context: Context,
    families: Callable[[Any], Iterable[Family]],
) -> list[Family]:
    """Return `families` of the document, or those of the last time where it is still the same."""
    said = _text(server, query, {})
    if context.memory.get("said") != said:
        context.memory["families"] = [*families(json.loads(said))]
        context.memory["said"] = said
    found: list[Family] = context.memory["families"]
    return found


def rows(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the list under `name`; none where the server had nothing to make it of."""
    return document.get(name) or []


def _text(server: Server, query: Query[Document], params: Mapping[str, object]) -> str:
    (row,) = server.fetch(query, **params)
    return row.stockops_document or "[]"
