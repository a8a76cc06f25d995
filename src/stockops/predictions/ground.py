"""What predictions are judged by, as the database has it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from ..engine.base import Server
from ..errors import Finding
from ..market import KST
from ..orders import Clock
from ..queries import Query
from .judging import Ground, Issue


@dataclass(frozen=True, slots=True)
class Model:
    """A model, and whether its predictions are taken."""

    model_version: str
    status: str


ISSUES = Query("predictions/issues", Issue)
MODELS = Query("predictions/models", Model)


def ground_of(server: Server, clock: Clock, *, stale_after_s: int) -> Ground:
    """Return what predictions are held against at the moment of `clock`."""
    now = (clock.at or datetime.now(UTC)).astimezone(UTC)
    issues = server.fetch(ISSUES, on=clock.business_date or now.astimezone(KST).date())
    if not issues:
        raise Finding(
            "no issue is listed, so nothing can be predicted", hint="Fill it: stockops seed run"
        )
    return Ground(
        issues={issue.symbol: issue for issue in issues},
        models={model.model_version: model.status for model in server.fetch(MODELS)},
        now=now,
        stale_after_s=stale_after_s,
    )
