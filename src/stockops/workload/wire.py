"""Requests and answers as text: lines of the journal, and items of a batch."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .requests import Body, Cancel, Request

Cells = Sequence[str | None]  # one row of an answer, as the routines give it


@dataclass(slots=True)
class Call:
    """One call of a routine: the requests in it, and when it was meant to start."""

    requests: list[Request]
    intended_ns: int = 0
    began_ns: int = 0  # 0: it was not made
    ended_ns: int = 0
    cells: list[Cells] | None = None  # an answer for each request; None: there is none
    error: str | None = None  # the code, where it was rolled back and given up


def key_of(request: Request) -> str:
    """Return the key of the order that a request is about."""
    return request.key if isinstance(request, Cancel) else request[0]


def intent(request: Request) -> str:
    """Return the journal's line for a request that will be sent."""
    if isinstance(request, Cancel):
        return f'["c","{request.key}",{request.order_id}]\n'
    key, account, symbol, side, kind, limit, quantity = request
    price = "null" if limit is None else limit
    return f'["o","{key}",{account},"{symbol}","{side}","{kind}",{price},{quantity}]\n'


def answer(request: Request, cells: Cells, at_ms: int) -> str:
    """Return the journal's line for an answer that was heard at `at_ms`."""
    status, reason, order_id, filled, value_won = cells[:5]
    why = "null" if reason is None else f'"{reason}"'
    if isinstance(request, Cancel):
        return f'["x","{request.key}",{request.order_id},"{status}",{why},{at_ms}]\n'
    filled, value_won = filled or "0", value_won or "0"
    number = order_id or "null"
    return f'["a","{request[0]}","{status}",{why},{number},{filled},{value_won},{at_ms}]\n'


def unknown(request: Request, code: str) -> str:
    """Return the journal's line for an answer that was lost."""
    return f'["u","{key_of(request)}",{json.dumps(code)}]\n'


def unsent(call: Call) -> list[str]:
    """Return the journal's lines for the requests of a call that the database never did."""
    if call.error is not None:
        code = json.dumps(call.error)
        return [f"[{_named(request, 'f', 'e')},{code}]\n" for request in call.requests]
    if call.began_ns:  # nobody knows
        return []
    return [f"[{_named(request, 'v', 'w')}]\n" for request in call.requests]


def _named(request: Request, cancel: str, order: str) -> str:
    """Return the first cells of a line: of the kind `cancel`, or `order`."""
    if isinstance(request, Cancel):
        return f'"{cancel}","{request.key}",{request.order_id}'
    return f'"{order}","{request[0]}"'


def batch(requests: Sequence[Request]) -> str:
    """Return orders as the JSON array that ``place_orders`` takes."""
    return f"[{','.join(_item(body) for body in requests if not isinstance(body, Cancel))}]"


def _item(body: Body) -> str:
    key, account, symbol, side, kind, limit, quantity = body
    price = "null" if limit is None else limit
    return (
        f'{{"key":"{key}","account_id":{account},"symbol":"{symbol}","side":"{side}",'
        f'"kind":"{kind}","limit_won":{price},"quantity":{quantity}}}'
    )
