"""Which indexes cost more than they give: judged from the catalogue, with the way out and back."""

from .auditing import Audit, audit
from .judging import KINDS, Kind, Limits, Verdict, lasted

__all__ = ["KINDS", "Audit", "Kind", "Limits", "Verdict", "audit", "lasted"]
