"""
Predictions of models: read from files, judged, and stored as valid or quarantined.

A valid one may meet a condition and lead to an order. A quarantined one is kept with its reason, an
audit row and a warning to its user, and the database refuses every order that names it.
"""

from .generating import COUNT_MAX, generate, write_csv
from .judging import STALE_AFTER_S, Verdict
from .listing import LISTED_MAX, STATUSES, Prediction, listed
from .reading import Line, read
from .storing import BATCH_PREDICTIONS_MAX, Loaded, foreseen, load, steps

__all__ = [
    "BATCH_PREDICTIONS_MAX",
    "COUNT_MAX",
    "LISTED_MAX",
    "STALE_AFTER_S",
    "STATUSES",
    "Line",
    "Loaded",
    "Prediction",
    "Verdict",
    "foreseen",
    "generate",
    "listed",
    "load",
    "read",
    "steps",
    "write_csv",
]
