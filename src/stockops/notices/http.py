"""One HTTP POST, bounded: no redirect is followed, and no more than a little is read."""

import http.client
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, NoReturn

from .failing import Undelivered

READ_BYTES_MAX = 4096
THIS_BODY = frozenset({400, 413, 422})  # what is wrong is what was sent, not the way there


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the notice, and what signs it, to who was not named."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow none."""


def post(url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float) -> bytes:
    """Send `body` to `url` and return the beginning of the answer, or raise `Undelivered`."""
    request = urllib.request.Request(url, data=body, method="POST")  # noqa: S310  schemes are checked
    request.add_header("User-Agent", "stockops")
    for name, value in headers.items():
        request.add_header(name, value)
    opener = urllib.request.build_opener(_Stay)
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return bytes(answer.read(READ_BYTES_MAX))
    except urllib.error.HTTPError as exc:
        exc.close()
        raise Undelivered("rejected", f"HTTP {exc.code}", is_final=exc.code in THIS_BODY) from None
    except urllib.error.URLError as exc:
        _raise(exc.reason)
    except (OSError, http.client.HTTPException) as exc:
        _raise(exc)


def _raise(reason: object) -> NoReturn:
    """Name what went wrong; nothing of what was asked is repeated."""
    match reason:
        case TimeoutError():
            raise Undelivered("timeout", "no answer in time") from None
        case socket.gaierror():
            raise Undelivered("dns", "the name of the host is not known") from None
        case ConnectionRefusedError():
            raise Undelivered("refused", "nobody listens there") from None
        case ssl.SSLCertVerificationError(verify_message=why):
            raise Undelivered("tls", str(why)) from None
        case ssl.SSLError():
            raise Undelivered("tls", "no encrypted connection") from None
        case OSError():
            raise Undelivered("lost", type(reason).__name__) from None
    raise Undelivered("lost", "the answer is no HTTP") from None
