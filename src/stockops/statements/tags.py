"""Tags that an application leaves in a comment, in the form of sqlcommenter: ``key='value',…``."""

import re

from .. import patterns

Tags = tuple[tuple[str, str], ...]

# A longer comment is prose, not tags.
TAGS_LENGTH_MAX = 8_192
_TAG = r"([^\s=,'\"]{1,128}+)\s*+=\s*+'((?:[^'\\]++|\\.)*+)'"
_EACH = patterns.compiled(_TAG, re.DOTALL)
_PLAIN = _TAG.replace("([", "(?:[").replace("((?:", "(?:(?:")
_ALL = patterns.compiled(rf"\s*+{_PLAIN}(?:\s*+,\s*+{_PLAIN})*+\s*+", re.DOTALL)


def tags_of(comment: str) -> Tags:
    """Return the tags of `comment`, in its order; none when it is not made of tags alone."""
    if "='" not in comment or len(comment) > TAGS_LENGTH_MAX or not _ALL.fullmatch(comment):
        return ()
    from urllib.parse import unquote  # noqa: PLC0415  it takes time to know, and most have no tags

    return tuple(
        (unquote(key), unquote(value.replace("\\'", "'"))) for key, value in _EACH.findall(comment)
    )
