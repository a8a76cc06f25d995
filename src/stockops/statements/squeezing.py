"""Long lists of rows made short before they are read: a bulk load has thousands of one shape."""

import re

from .. import patterns
from .masking import HOLE

# A shorter text is read as fast as it is squeezed.
LONG = 1_024

# Rows without parentheses, quoted names or comments within, right behind VALUES.
_ROW = r"\([^()\"`/]{1,2000}\)"
_LIST = rf"(?i)(?<![0-9A-Za-z_$.\"`\x80-\xff])VALUES?\s*+{_ROW}(?:\s*+,\s*+{_ROW})++"
_SAME = rf"({_ROW})(?:\s*+,\s*+\1)+"
_LISTS, _ALIKE = patterns.compiled(_LIST, re.ASCII), patterns.compiled(_SAME, re.ASCII)
_LISTS_BYTES, _ALIKE_BYTES = patterns.compiled(_LIST.encode()), patterns.compiled(_SAME.encode())
# What is a literal, too, where it is all of a column; and the sign of one.
_VALUE = patterns.compiled(
    rf"([(,]\s*+)(?:NULL|TRUE|FALSE|[+\-]\s*+{HOLE})(?=\s*+[,)])", re.IGNORECASE
)


def squeezed(sketch: bytes) -> bytes:
    """Leave two of the rows that follow each other and are the same; of the class they are one."""
    if len(sketch) < LONG:
        return sketch
    return _LISTS_BYTES.sub(lambda found: _ALIKE_BYTES.sub(rb"\1,\1", found[0]), sketch)


def squeezed_text(masked: str) -> str:
    """Do so with a masked text, where rows are the same whatever literals they have."""
    if len(masked) < LONG:
        return masked
    return _LISTS.sub(_squeeze, masked)


def _squeeze(found: re.Match[str]) -> str:
    return _ALIKE.sub(r"\1,\1", _VALUE.sub(rf"\1{HOLE}", found[0]))
