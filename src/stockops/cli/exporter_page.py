"""The page at ``/`` of ``stockops exporter serve``."""

from ..exporter import Request, Response, Route
from ..overview import Keeper
from ..report import statuspage

EVERY_S = 15.0
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def status_page(keeper: Keeper) -> Route:
    """Return what answers with the page of what `keeper` saw."""

    def answer(_asked: Request) -> Response:
        page = statuspage.render_status(
            keeper.targets(), keeper.store(), keeper.jobs(), every_s=EVERY_S
        )
        return Response(body=page, content_type="text/html; charset=utf-8", headers=_HEADERS)

    return answer
