"""A text of many statements, as psql and mariadb read one, into its statements."""

from .splitting import Statement, canonical, split

__all__ = ["Statement", "canonical", "split"]
