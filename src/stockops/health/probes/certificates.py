"""Until when the certificate of a server is valid."""

import socket
import ssl
import struct
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from ...targets import Target

WAIT_S = 5.0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # what a client of PostgreSQL says before TLS
_PEM_BYTES_MAX = 1 << 20


def until(target: Target, *, stated: str | None, file: Path | None) -> datetime | None:
    """
    Return the end of the certificate: as the session has it `stated`, from the wire, or a file.

    None where none of the three can be seen. Nobody's signature is checked here.
    """
    if stated:
        return datetime.strptime(stated, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
    from cryptography import x509  # noqa: PLC0415  most servers are asked for it once an hour

    if (found := _from_wire(target)) is not None:
        return x509.load_der_x509_certificate(found).not_valid_after_utc
    if file is not None:
        with suppress(OSError, ValueError):
            text = file.read_bytes()[:_PEM_BYTES_MAX]
            return x509.load_pem_x509_certificate(text).not_valid_after_utc
    return None


def _from_wire(target: Target) -> bytes | None:
    """
    Return the certificate that PostgreSQL shows to whoever asks, None over a Unix socket.

    MariaDB is not asked so: it counts a client that turns back as an aborted one, and locks it out
    after some.
    """
    parts = urlsplit(target.url)
    asked = parse_qs(parts.query).get("host", [""])[0]
    host = asked or parts.hostname or ""
    if target.engine != "postgresql" or not host or host.startswith("/"):
        return None
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with suppress(OSError), socket.create_connection((host, parts.port or 5432), WAIT_S) as plain:
        plain.sendall(_SSL_REQUEST)
        if plain.recv(1) == b"S":
            with context.wrap_socket(plain, server_hostname=host) as secured:
                return secured.getpeercert(binary_form=True)
    return None
