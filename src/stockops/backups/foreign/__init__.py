"""Backups that other tools made: found, read, and graded by what can be proven of them."""

from .finding import audit
from .grading import SOUND, Audited, Grade

__all__ = ["SOUND", "Audited", "Grade", "audit"]
