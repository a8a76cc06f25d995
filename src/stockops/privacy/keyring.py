"""
The key file: the keys that tokens are encrypted by, kept outside of every database and backup.

A line is the id of a key and the key, 32 bytes as base64; the last one is the current key, those
above read what was encrypted before. The file is its owner's alone. A key is in this file and in
the memory of a running command, and nowhere else: no command line, no log, no database.
"""

import base64
import binascii
import re
import secrets
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .. import disk, filelock, passwords
from ..errors import ConfigError, Finding, StorageError
from ..passwords import Secret

KEY_BYTES = 32
KEYS_MAX = 100
_NONCE_BYTES = 12  # as NIST SP 800-38D has it for GCM; 2^32 tokens by one key are its limit
_ID = re.compile(r"k[0-9a-f]{8}")
_HEAD = "# Keys of stockops. Keep a copy apart from the backups: without it the tokens are lost.\n"


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one file, by id, the current one last. It shows none of them."""

    path: Path
    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"Keyring({str(self.path)!r}, {len(self.keys)} keys)"

    @property
    def current(self) -> str:
        """The id of the key that is encrypted by."""
        return [*self.keys][-1]

    def require(self, key_id: str) -> None:
        """Raise `ConfigError` where the file has no such key."""
        if key_id not in self.keys:
            raise ConfigError(
                f"the key {key_id!r} is not in {str(self.path)!r}",
                hint="Name the file that holds it, or bring the file back from its copy.",
            )

    def encrypt(self, secret: Secret, *, bound_to: str) -> str:
        """Return `secret` as text that the current key reads, and only for `bound_to`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = secret.reveal().encode()
        sealed = AESGCM(self.keys[self.current]).encrypt(nonce, plain, bound_to.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def decrypt(self, text: str, *, key_id: str, bound_to: str) -> Secret:
        """Return what `encrypt` was given; `Finding` where it is not, or not for `bound_to`."""
        self.require(key_id)
        try:
            data = base64.urlsafe_b64decode(text)
            nonce, sealed = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
            plain = AESGCM(self.keys[key_id]).decrypt(nonce, sealed, bound_to.encode())
        except (InvalidTag, ValueError):  # a base64 that is none is a ValueError, too
            raise Finding(
                f"what is stored for {bound_to} was not encrypted by the key {key_id!r} for it",
                hint="It was changed, moved from another row, or masked: store the token anew.",
            ) from None
        return Secret(plain.decode())


@contextmanager
def held(path: Path) -> Iterator[None]:
    """
    Hold the key file for the block; `Busy` where another run holds it.

    Who stores a token by a key that is retired meanwhile would store what nobody can read.
    """
    with filelock.hold(path.with_name(f".{path.name}.lock"), what=f"the key file {path}"):
        yield


def make(path: Path) -> Keyring:
    """Make the key file `path` with one key; it must not be there."""
    if path.exists():
        raise ConfigError(
            f"there is a file {str(path)!r} already", hint="Add a key with: privacy rotate-key"
        )
    return _write(path, _with_new({}))


def read(path: Path) -> Keyring:
    """Return the keys in `path`; `ConfigError` where others can read it, or it is no key file."""
    if not path.exists():
        raise ConfigError(
            f"there is no key file {str(path)!r}",
            hint=f"Name the one there is, or make it: stockops privacy make-key --key-file {path}",
        )
    text = passwords.from_file(path, where="--key-file", what="key file", owner_only=True).reveal()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    keys: dict[str, bytes] = {}
    for line in lines:
        name, _, encoded = line.partition(" ")
        try:
            key = base64.b64decode(encoded.strip(), validate=True)
        except binascii.Error:
            key = b""
        if _ID.fullmatch(name) is None or len(key) != KEY_BYTES or name in keys:
            raise ConfigError(  # of a line that is none, nothing is said: it may hold a key
                f"line {len(keys) + 1} of the keys in {str(path)!r} is not the id of a key and a "
                "key of 32 bytes",
                hint="Bring the file back from its copy, or make one: privacy make-key",
            )
        keys[name] = key
    if not keys:
        raise ConfigError(f"{str(path)!r} holds no key", hint="Make one: privacy make-key")
    return Keyring(path, keys)


def add(ring: Keyring) -> Keyring:
    """Add a new current key to the file of `ring`, and return when that is on disk."""
    if len(ring.keys) >= KEYS_MAX:
        raise ConfigError(
            f"{str(ring.path)!r} holds {KEYS_MAX} keys already",
            hint="Destroy those that nothing is encrypted by: privacy rotate-key --retire",
        )
    return _write(ring.path, _with_new(ring.keys))


def retire(ring: Keyring, *, in_use: Container[str]) -> Keyring:
    """Destroy the keys that are neither current nor `in_use`; what they encrypted is gone."""
    kept = {name: key for name, key in ring.keys.items() if name == ring.current or name in in_use}
    return ring if len(kept) == len(ring.keys) else _write(ring.path, kept)


def _with_new(keys: Mapping[str, bytes]) -> dict[str, bytes]:
    return {**keys, f"k{secrets.token_hex(4)}": secrets.token_bytes(KEY_BYTES)}


def _write(path: Path, keys: Mapping[str, bytes]) -> Keyring:
    lines = [f"{name} {base64.b64encode(key).decode()}\n" for name, key in keys.items()]
    try:
        disk.write_whole(path, "".join([_HEAD, *lines]).encode())
    except OSError as exc:
        raise StorageError(
            f"cannot write the key file {str(path)!r}: {exc.strerror}",
            hint="Name a file in a folder that you can write.",
        ) from None
    return Keyring(path, keys)
