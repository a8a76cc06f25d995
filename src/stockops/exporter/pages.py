"""What the exporter answers, by path."""

from collections.abc import Mapping
from http import HTTPStatus

from ..errors import Busy, ConfigError, StockopsError
from . import process
from .rendering import Form, Piece, render
from .serving import Request, Response, Route
from .watch import Watch
from .watches import Watches

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
MARGIN_S = 0.5  # of the time that Prometheus gives, for the way back
SCRAPE_S = 9.5  # where it does not say
SCRAPE_S_MIN = 0.1
SCRAPE_S_MAX = 60.0


def routes(watches: Watches) -> Mapping[str, Route]:
    """Return the pages about `watches`."""

    def metrics(asked: Request) -> Response:
        return _scraped(watches.get(watches.own), asked, process.piece())

    def probe(asked: Request) -> Response:
        name = asked.query.get("target")
        if not name:
            return _told("name a target: /probe?target=NAME", watches, HTTPStatus.BAD_REQUEST)
        try:
            watch = watches.get(name)
        except ConfigError as exc:
            return _told(str(exc), watches, HTTPStatus.NOT_FOUND)
        return _scraped(watch, asked)

    def health(_asked: Request) -> Response:
        wedged = [watch.name for watch in watches.known() if watch.is_wedged]
        if wedged:
            text = f"a scrape does not end: {', '.join(wedged)}\n"
            return Response(status=HTTPStatus.SERVICE_UNAVAILABLE, body=text)
        return Response(body="ok\n")

    def reload(asked: Request) -> Response:
        if asked.method not in {"POST", "PUT"}:
            status = HTTPStatus.METHOD_NOT_ALLOWED
            return Response(status=status, body="use POST\n", headers={"Allow": "POST, PUT"})
        try:
            watches.reload()
        except StockopsError as exc:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return Response(status=status, body=f"nothing was changed: {exc}\n")
        return Response(body="read anew\n")

    return {"/metrics": metrics, "/probe": probe, "/healthz": health, "/-/reload": reload}


def allowed_s(header: str | None) -> float:
    """Return how long a scrape may take, from what Prometheus says of its own patience."""
    try:
        seconds = float(header or "nan") - MARGIN_S
    except ValueError:
        return SCRAPE_S
    if not seconds > -MARGIN_S:  # none, or not a number
        return SCRAPE_S
    return min(max(seconds, SCRAPE_S_MIN), SCRAPE_S_MAX)


def _scraped(watch: Watch, asked: Request, *more: Piece) -> Response:
    openmetrics = "application/openmetrics-text" in asked.headers.get("Accept", "")
    form: Form = "openmetrics" if openmetrics else "text"
    within_s = allowed_s(asked.headers.get(TIMEOUT_HEADER))
    try:
        pieces = watch.scrape(within_s=within_s)
    except Busy as exc:
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE, body=f"{exc}\n")
    answer = render([*pieces, *more], form=form)
    return Response(body=answer.body, content_type=answer.content_type)


def _told(said: str, watches: Watches, status: HTTPStatus) -> Response:
    return Response(status=status, body=f"{said}; known: {', '.join(watches.names())}\n")
