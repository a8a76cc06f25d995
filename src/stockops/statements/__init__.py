"""Classes of statements: the same statement, whatever its literals, has the same text."""

from .classifying import Statement, classify, classify_all
from .masking import Dialect

__all__ = ["Dialect", "Statement", "classify", "classify_all"]
