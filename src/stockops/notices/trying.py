"""Try every channel with a message that says it is one."""

from datetime import UTC, datetime

from .notice import Notice
from .sending import Delivery, send
from .settings import Settings


def try_all(settings: Settings) -> tuple[Delivery, ...]:
    """Send a test by every channel and return what became of each; nothing is remembered."""
    now = datetime.now(UTC)
    notice = Notice(
        kind="test",
        target="stockops",
        name="StockopsTest",
        state="OK",
        title="a test of the notices",
        message="If you read this, notices of stockops reach you here. Nothing is wrong.",
        since=now,
        at=now,
        command="stockops alerts notify --test",
    )
    return send({name: [notice] for name in settings.channels}, settings.channels)
