"""Hand notices to channels: all at once, each with a few tries and a deadline."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import StockopsError
from .channels import Channel
from .failing import Undelivered, scrubbed
from .notice import Notice, clean

TRIES = 3
TRY_S = 5.0
PAUSE_S = 0.5
CHANNEL_S = 18.0  # all tries of one channel; what still hangs then is left behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of the notices for one channel; `why` is empty where it took them."""

    channel: str
    type: str
    notices: int
    is_delivered: bool
    tries: int
    why: str = ""
    is_final: bool = False


@dataclass(slots=True)
class _Errand:
    channel: Channel
    notices: Sequence[Notice]
    deadline: float
    tries: int = 0
    failed: Undelivered | None = None
    is_done: bool = False
    thread: threading.Thread | None = field(default=None, repr=False)

    def run(self) -> None:
        """Try until it is delivered, refused for good, or out of tries or time."""
        while True:
            self.tries += 1
            left_s = self.deadline - time.monotonic()
            self.failed = attempt(self.channel, self.notices, timeout_s=min(TRY_S, left_s))
            pause_s = PAUSE_S * 2 ** (self.tries - 1)
            if (
                self.failed is None
                or self.failed.is_final
                or self.tries == TRIES
                or time.monotonic() + pause_s >= self.deadline
            ):
                break
            time.sleep(pause_s)
        self.is_done = True

    def delivery(self) -> Delivery:
        """Return what became of it; what is not done is out of time."""
        failed = self.failed
        if not self.is_done:
            failed = Undelivered("timeout", f"not done within {CHANNEL_S:.0f} s")
        envelope = self.channel.envelope
        return Delivery(
            channel=envelope.name,
            type=self.channel.kind,
            notices=len(self.notices),
            is_delivered=failed is None,
            tries=self.tries,
            why="" if failed is None else scrubbed(str(failed), envelope.secrets),
            is_final=failed is not None and failed.is_final,
        )


def send(
    errands: Mapping[str, Sequence[Notice]], channels: Mapping[str, Channel]
) -> tuple[Delivery, ...]:
    """
    Deliver to each channel of `errands`, by name, its notices; return what became of each.

    Never raises for a channel, and never waits longer than `CHANNEL_S` for all of them.
    """
    deadline = time.monotonic() + CHANNEL_S
    secrets = [secret for each in channels.values() for secret in each.envelope.secrets]
    running = []
    for name, notices in errands.items():
        cleaned = [n if n.kind == "message" else clean(n, secrets=secrets) for n in notices]
        errand = _Errand(channel=channels[name], notices=cleaned, deadline=deadline)
        # A daemon: a receiver that never answers does not keep the process alive.
        errand.thread = threading.Thread(target=errand.run, name=f"to {name}", daemon=True)
        errand.thread.start()
        running.append(errand)
    for errand in running:
        if errand.thread is not None:
            errand.thread.join(max(0.0, deadline - time.monotonic()))
    return tuple(errand.delivery() for errand in running)


def attempt(channel: Channel, notices: Sequence[Notice], *, timeout_s: float) -> Undelivered | None:
    """Try once; return why it failed, or None."""
    try:
        channel.send(notices, timeout_s=max(0.1, timeout_s))
    except Undelivered as exc:
        return exc
    except StockopsError as exc:
        return Undelivered("broken", str(exc))
    except Exception as exc:
        # Its words may hold what the channel is not to show.
        return Undelivered("broken", type(exc).__name__)
    return None
