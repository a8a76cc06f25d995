"""The issues of a day: from the package, from a file, or from the exchange."""

from .issue import Issue, Listing

__all__ = ["Issue", "Listing"]
