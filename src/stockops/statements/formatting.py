"""A statement on several lines, for people."""

# A longer text is cut before it is laid out: 1,000 rows of VALUES take sqlparse two seconds.
PRETTY_LENGTH_MAX = 2_000
_MARK = " …"


def pretty(sql: str) -> str:
    """
    Return `sql` with its clauses on lines of their own, for reading and never for running.

    What is longer than `PRETTY_LENGTH_MAX` is cut there and ends with an ellipsis; a text that
    nothing can be made of comes back as it is.
    """
    import sqlparse  # noqa: PLC0415 - only who reads samples waits for it
    from sqlparse.exceptions import SQLParseError  # noqa: PLC0415

    shown = sql.strip()
    if len(shown) > PRETTY_LENGTH_MAX:
        shown = shown[:PRETTY_LENGTH_MAX] + _MARK
    try:
        return str(sqlparse.format(shown, reindent=True, keyword_case="upper")) or shown
    except (SQLParseError, RecursionError):
        return shown
