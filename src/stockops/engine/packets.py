"""
The answer to a CALL as MariaDB sends it: packets, read without a driver's objects.

A packet is a length of three bytes, a number of one, and a body. The body's first byte tells OK
(0x00), an error (0xFF), the end of columns or rows (0xFE and short), else a result set's header.
"""

from collections.abc import Callable
from dataclasses import dataclass

Row = tuple[str | None, ...]

_OK, _NULL, _END, _ERROR = 0x00, 0xFB, 0xFE, 0xFF
_MORE_RESULTS = 0x08
_WIDTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}


@dataclass(slots=True)
class Answer:
    """The first row of the first result set, and the error packet if the server sent one."""

    row: Row | None = None
    status: int | None = None
    error: bytes | None = None


def read_answer(read: Callable[[int], bytes]) -> Answer:
    """
    Read every packet of one answer; `read` gives so many bytes, or fewer at the end.

    Raises `EOFError` where the connection ends first: the rest cannot be told.
    """
    answer = Answer()
    while True:
        body = _body(read)
        kind = body[0]
        if kind == _OK:  # no result set, such as the end of a CALL
            at = _after_number(body, _after_number(body, 1))
            answer.status = body[at] | body[at + 1] << 8
        elif kind == _ERROR:
            answer.error = body
            return answer
        else:
            for _ in range(kind + 1):  # the columns, and the end of them
                _body(read)
            if not _read_rows(read, answer):
                return answer
        if not (answer.status or 0) & _MORE_RESULTS:
            return answer


def _read_rows(read: Callable[[int], bytes], answer: Answer) -> bool:
    """Read to the end of a result set; return whether it ended well."""
    first = answer.row is None
    while True:
        body = _body(read)
        if body[0] == _END and len(body) < 9:
            answer.status = body[3] | body[4] << 8
            return True
        if body[0] == _ERROR:
            answer.error = body
            return False
        if first:
            answer.row = _cells(body)
            first = False


def _body(read: Callable[[int], bytes]) -> bytes:
    head = read(4)
    if len(head) < 4:
        raise EOFError
    size = head[0] | head[1] << 8 | head[2] << 16
    body = read(size)
    if len(body) < size or not size:
        raise EOFError
    return body


def _after_number(body: bytes, at: int) -> int:
    """Return the position after the length-coded number at `at`."""
    return at + 1 + _WIDTHS.get(body[at], 0)


def _cells(body: bytes) -> Row:
    """Return the cells of a row of text."""
    cells: list[str | None] = []
    at, end = 0, len(body)
    while at < end:
        size = body[at]
        at += 1
        if size == _NULL:
            cells.append(None)
            continue
        if size > _NULL:
            width = _WIDTHS[size]
            size = int.from_bytes(body[at : at + width], "little")
            at += width
        cells.append(body[at : at + size].decode())
        at += size
    return tuple(cells)
