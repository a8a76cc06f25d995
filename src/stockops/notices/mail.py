"""Notices as mail."""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal

from ..passwords import Secret
from .failing import Undelivered

Security = Literal["starttls", "tls", "none"]
SUBJECT_CHARACTERS_MAX = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A mail server and who writes; `user` has a `password`, or nobody logs in."""

    host: str
    port: int
    sender: str
    security: Security
    user: str | None = None
    password: Secret | None = None


def compose(post: Post, to: tuple[str, ...], *, subject: str, text: str, key: str) -> EmailMessage:
    """Return the mail; `key` is told to the receiver, who can drop a second one of it."""
    message = EmailMessage()
    message["From"] = post.sender
    message["To"] = [_address(each) for each in to]
    subject = " ".join(subject.split())
    message["Subject"] = subject[:SUBJECT_CHARACTERS_MAX]
    message["Date"] = format_datetime(_now())
    message["Message-ID"] = make_msgid(domain=post.sender.rpartition("@")[2] or "stockops")
    message["Auto-Submitted"] = "auto-generated"
    message["X-Stockops-Key"] = " ".join(key.split())
    message.set_content(text + "\n")
    return message


def send(post: Post, message: EmailMessage, *, timeout_s: float) -> None:
    """Hand `message` to the server, or raise `Undelivered`."""
    try:
        with _session(post, timeout_s) as session:
            session.send_message(message)
    except smtplib.SMTPRecipientsRefused as exc:
        code, text = next(iter(exc.recipients.values()), (550, b""))
        raise _said(code, text, is_final=500 <= code < 600) from None
    except smtplib.SMTPNotSupportedError as exc:
        raise Undelivered("rejected", str(exc)) from None
    except smtplib.SMTPResponseException as exc:
        raise _said(exc.smtp_code, exc.smtp_error) from None
    except smtplib.SMTPServerDisconnected:
        raise Undelivered("lost", "the mail server hung up") from None
    except TimeoutError:
        raise Undelivered("timeout", "the mail server did not answer in time") from None
    except socket.gaierror:
        raise Undelivered("dns", "the name of the mail server is not known") from None
    except ConnectionRefusedError:
        raise Undelivered("refused", "nobody listens there") from None
    except ssl.SSLError as exc:
        raise Undelivered("tls", exc.reason or "no encrypted connection") from None
    except (OSError, smtplib.SMTPException, UnicodeError) as exc:
        raise Undelivered("broken", type(exc).__name__) from None


@contextmanager
def _session(post: Post, timeout_s: float) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    session = (
        smtplib.SMTP_SSL(post.host, post.port, timeout=timeout_s, context=context)
        if post.security == "tls"
        else smtplib.SMTP(post.host, post.port, timeout=timeout_s)
    )
    with session:
        if post.security == "starttls":
            session.starttls(context=context)
        if post.user is not None and post.password is not None:
            session.login(post.user, post.password.reveal())
        yield session


def _said(code: int, text: bytes | str, *, is_final: bool = False) -> Undelivered:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return Undelivered("rejected", f"SMTP {code} {said}".strip(), is_final=is_final)


def _address(text: str) -> Address:
    try:
        return Address(addr_spec=text)
    except (ValueError, IndexError, MessageError):
        raise Undelivered("rejected", "the address is malformed", is_final=True) from None


def _now() -> datetime:
    return datetime.now(UTC)
