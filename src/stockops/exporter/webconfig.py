"""
Who may read the exporter, over what: TLS and basic auth from a file.

The format is that of Prometheus' exporter-toolkit, ``--web.config.file``; what of it is not known
here is an error, not a lock that does not lock. The file, the certificate and the key are read
anew when they change; a file that became wrong leaves everything as it was.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import bcrypt

from .. import configfile
from ..configfile import Section
from ..errors import ConfigError

PASSWORD_BYTES_MAX = 72  # bcrypt looks at no more
Choice = TypeVar("Choice")
_VERSIONS = {
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
_CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_TLS_KEYS = (
    "cert_file",
    "key_file",
    "client_ca_file",
    "client_auth_type",
    "min_version",
    "max_version",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What the file says: who may read (everybody where `users` is empty), over TLS or not."""

    users: Mapping[str, bytes] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    files: tuple[Path, ...] = ()


def read(path: Path) -> Web:
    """Return what the file at `path` says; `ConfigError` names the file and the line."""
    try:
        root = configfile.read(path).only(("tls_server_config", "basic_auth_users"))
    except ConfigError as exc:
        hint = exc.hint if "unknown key" in str(exc) else "Correct it, or name another file."
        raise ConfigError(str(exc), hint=hint) from None
    given = root.section("basic_auth_users")
    users = {name: _hash(given, name) for name in given}
    if "tls_server_config" not in root:
        return Web(users=users, files=(path,))
    tls, files = _tls(root.section("tls_server_config").only(_TLS_KEYS), path.parent, path)
    return Web(users=users, tls=tls, files=(path, *files))


class Guard:
    """Lets in whom the file at `path` names; everybody, in the clear, where there is no file."""

    def __init__(self, path: Path | None, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._web = Web() if path is None else read(path)
        self._seen = self._stamps()
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._welcome: set[bytes] = set()
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(10))

    def web(self) -> Web:
        """Return what the file says by now."""
        with self._lock:
            stamps = self._stamps()
            if self._path is not None and stamps != self._seen:
                self._seen = stamps
                try:
                    self._web = read(self._path)
                except ConfigError as exc:
                    self._say(f"the web config stays as it was: {exc}")
                else:
                    self._welcome.clear()
                    self._seen = self._stamps()
                    self._say("the web config was read anew")
            return self._web

    def admits(self, header: str | None) -> bool:
        """Tell whether a request with this ``Authorization`` may be answered."""
        web = self.web()
        if not web.users:
            return True
        name, password = _basic(header)
        known = web.users.get(name, self._nobody)
        digest = hmac.digest(
            self._key, b"\0".join((known, name.encode(), password)), hashlib.sha256
        )
        with self._lock:  # one at a time: guessing takes one core at most
            if digest in self._welcome:
                return True
            fits = 0 < len(password) <= PASSWORD_BYTES_MAX and bcrypt.checkpw(password, known)
            if fits and name in web.users:
                self._welcome.add(digest)
                return True
        return False

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(file) for file in self._web.files]


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _basic(header: str | None) -> tuple[str, bytes]:
    scheme, _, rest = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return "", b""
    try:
        name, _, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
        return name.decode(), password
    except (binascii.Error, UnicodeDecodeError):
        return "", b""


def _hash(section: Section, name: str) -> bytes:
    said = (section.text(name) or "").encode()
    try:
        bcrypt.checkpw(b"", said)
    except ValueError:
        raise ConfigError(
            f"{section.where(name)}: the password of {name!r} is not a bcrypt hash",
            hint="Make one: htpasswd -nBC 10 '' | tr -d ':\\n'",
        ) from None
    return said


def _tls(section: Section, folder: Path, path: Path) -> tuple[ssl.SSLContext, list[Path]]:
    files = {}
    for key in ("cert_file", "key_file", "client_ca_file"):
        said = section.text(key)
        if said is not None:
            files[key] = folder / said
    if not {"cert_file", "key_file"} <= files.keys():
        raise ConfigError(
            f"{path}: tls_server_config needs cert_file and key_file",
            hint="Name both, or leave tls_server_config out.",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _choice(section, "min_version", _VERSIONS) or ssl.TLSVersion.TLSv1_2
    if (newest := _choice(section, "max_version", _VERSIONS)) is not None:
        context.maximum_version = newest
    try:
        context.load_cert_chain(files["cert_file"], files["key_file"])
        if "client_ca_file" in files:
            context.load_verify_locations(files["client_ca_file"])
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            f"{path}: the certificate or the key cannot be used: {exc.strerror or exc}",
            hint=f"Look at {', '.join(map(str, files.values()))}.",
        ) from None
    mode = _choice(section, "client_auth_type", _CLIENTS)
    if mode is not None:
        context.verify_mode = mode
    if context.verify_mode != ssl.CERT_NONE and "client_ca_file" not in files:
        raise ConfigError(
            f"{section.where('client_auth_type')}: clients cannot be verified without their CA",
            hint="Add client_ca_file.",
        )
    return context, list(files.values())


def _choice(section: Section, key: str, known: Mapping[str, Choice]) -> Choice | None:
    said = section.text(key)
    if said is not None and said not in known:
        raise ConfigError(
            f"{section.where(key)}: {key} is {said!r}", hint=f"Known: {', '.join(known)}."
        )
    return None if said is None else known[said]
