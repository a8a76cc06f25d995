"""
A password as a server stores it: the plain one is in no statement, log or list of sessions.

PostgreSQL: SCRAM-SHA-256 as of RFC 5803. MariaDB: mysql_native_password, which every version has.
"""

import base64
import hashlib
import hmac
import os
import unicodedata

from ..passwords import Secret

ITERATIONS = 4096  # what PostgreSQL itself takes
_SALT_BYTES = 16


def scram(secret: Secret, *, salt: bytes | None = None) -> str:
    """Return the verifier of `secret` for PostgreSQL."""
    salt = salt or os.urandom(_SALT_BYTES)
    text = unicodedata.normalize("NFKC", secret.reveal()).encode()
    salted = hashlib.pbkdf2_hmac("sha256", text, salt, ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(each).decode() for each in (salt, stored, server)]
    return f"SCRAM-SHA-256${ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


def native(secret: Secret) -> str:
    """Return the hash of `secret` for MariaDB."""
    once = hashlib.sha1(secret.reveal().encode()).digest()  # noqa: S324  the server's own form
    return "*" + hashlib.sha1(once).hexdigest().upper()  # noqa: S324
