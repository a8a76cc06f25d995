"""Who watches: a role with the least rights, and logins that have it."""

from .applying import Login, apply, plan
from .rights import ROLE
from .verifying import Verdict, verify

__all__ = ["ROLE", "Login", "Verdict", "apply", "plan", "verify"]
