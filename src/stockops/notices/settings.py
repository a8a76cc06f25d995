"""The section ``notify:`` of ``stockops.yaml``: who is told, of what, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from .. import configfile, durations, passwords
from ..configfile import Section
from ..errors import ConfigError
from ..passwords import Secret
from . import mail, windows
from .channels import CARRIERS, Alertmanager, Apprise, Channel, Envelope, Log, Mail, Slack, Webhook
from .deciding import CHANGES_KEPT, Policy
from .notice import State

MESSAGE_CHANNELS = ("email", "push", "sms")  # of the table notifications
ALERTMANAGER_LASTS_S = 2 * 3600
PORTS: dict[mail.Security, int] = {"starttls": 587, "tls": 465, "none": 25}
_COMMON = ("type", "least", "targets")
_KEYS = ("channels", "messages", "remind", "after", "flapping", "maintenance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Who is told, when, and which channel carries which messages to customers."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)


def load(path: Path | None) -> Settings:
    """Return what the file at `path` says under ``notify:``; nothing where there is no file."""
    if path is None:
        return Settings()
    return read(configfile.read(path).section("notify"))


def read(section: Section) -> Settings:
    """Return what `section` says; every mistake is a `ConfigError` with its file and line."""
    section.only(_KEYS)
    listed = section.section("channels")
    channels = {name: _channel(name, listed) for name in listed}
    messages = section.section("messages").only(MESSAGE_CHANNELS)
    routed = {key: messages.text(key) or "" for key in messages}
    for key, name in routed.items():
        if name not in channels:
            raise _unknown(messages.where(key), "channel", name, [*channels])
        if not isinstance(channels[name], CARRIERS):
            raise ConfigError(
                f"{messages.where(key)}: the channel {name!r} cannot write to a customer",
                hint=f"Name one of the type {', '.join(each.kind for each in CARRIERS)}.",
            )
    return Settings(channels=channels, messages=routed, policy=_policy(section))


def _policy(section: Section) -> Policy:
    usual = Policy()
    flapping = section.section("flapping").only(("changes", "within"))
    changes = _count(flapping, "changes", usual.flapping_changes)
    if changes > CHANGES_KEPT:
        raise ConfigError(
            f"{flapping.where('changes')}: {changes} changes are more than are remembered",
            hint=f"Write {CHANGES_KEPT} or fewer.",
        )
    return Policy(
        remind_s=length(section, "remind", usual.remind_s),
        after_runs=max(1, _count(section, "after", usual.after_runs)),
        flapping_changes=changes,
        flapping_s=length(flapping, "within", usual.flapping_s),
        windows=windows.read(section.section("maintenance")),
    )


def _count(section: Section, key: str, usual: int) -> int:
    found = section.number(key)
    if found is not None and found < 0:
        raise ConfigError(
            f"{section.where(key)}: {key!r} is negative", hint="Write 0 or a number above it."
        )
    return usual if found is None else found


def length(section: Section, key: str, usual: int) -> int:
    """Return the length of time under `key`, in seconds."""
    found = section.parsed(key, durations.seconds)
    return usual if found is None else found


def _channel(name: str, listed: Section) -> Channel:
    section = listed.section(name)
    kind = section.text("type")
    if kind is None:
        raise ConfigError(
            f"{listed.where(name)}: the channel {name!r} has no type",
            hint=f"Write type: and one of {', '.join(KINDS)}.",
        )
    if kind not in KINDS:
        raise _unknown(section.where("type"), "type of channel", kind, [*KINDS])
    return KINDS[kind](name, section)


def _unknown(where: str, what: str, name: str, known: list[str]) -> ConfigError:
    near = get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known) or 'none'}."
    return ConfigError(f"{where}: no {what} is called {name!r}", hint=hint)


def _envelope(name: str, section: Section, *secrets: Secret | None) -> Envelope:
    least = (section.text("least") or "UNKNOWN").upper()
    states: dict[str, State] = {state: state for state in get_args(State) if state != "OK"}
    if least not in states:
        raise _unknown(section.where("least"), "state", least, [*states])
    return Envelope(
        name=name,
        least=states[least],
        targets=windows.words(section.text("targets")) or ("*",),
        secrets=tuple(secret for secret in secrets if secret is not None),
    )


def _log(name: str, section: Section) -> Channel:
    section.only((*_COMMON, "path"))
    path = Path(_needed(section, name, "path")).expanduser().absolute()
    return Log(envelope=_envelope(name, section), path=path)


def _mail(name: str, section: Section) -> Channel:
    section.only((*_COMMON, "server", "from", "to", "security", "user", "password_file"))
    security = section.text("security") or "starttls"
    known: dict[str, mail.Security] = {key: key for key in get_args(mail.Security)}
    if security not in known:
        raise _unknown(section.where("security"), "kind of security", security, [*known])
    host, _, port = _needed(section, name, "server").partition(":")
    if port and not port.isdecimal():
        raise ConfigError(f"{section.where('server')}: {port!r} is no port", hint="HOST:PORT")
    password = _secret(section, "password_file")
    if (section.text("user") is None) != (password is None):
        raise ConfigError(
            f"{section.where('type')}: the channel {name!r} has one of user and password_file",
            hint="Write both, or none to send without a login.",
        )
    post = mail.Post(
        host=host,
        port=int(port) if port else PORTS[known[security]],
        sender=_needed(section, name, "from"),
        security=known[security],
        user=section.text("user"),
        password=password,
    )
    to = windows.words(section.text("to"))
    for address in (post.sender, *to):
        if "@" not in address:
            raise ConfigError(
                f"{section.where('to')}: {address!r} is no address", hint="Write NAME@HOST."
            )
    return Mail(envelope=_envelope(name, section, password), post=post, to=to)


def _webhook(name: str, section: Section) -> Channel:
    section.only((*_COMMON, "url", "url_file", "authorization_file"))
    url, allowed = _url(name, section), _secret(section, "authorization_file")
    return Webhook(envelope=_envelope(name, section, url, allowed), url=url, authorization=allowed)


def _slack(name: str, section: Section) -> Channel:
    section.only((*_COMMON, "url", "url_file"))
    url = _url(name, section)
    return Slack(envelope=_envelope(name, section, url), url=url)


def _alertmanager(name: str, section: Section) -> Channel:
    section.only((*_COMMON, "url", "url_file", "authorization_file", "lasts"))
    url, allowed = _url(name, section), _secret(section, "authorization_file")
    lasts_s = length(section, "lasts", ALERTMANAGER_LASTS_S)
    envelope = _envelope(name, section, url, allowed)
    return Alertmanager(envelope=envelope, url=url, lasts_s=lasts_s, authorization=allowed)


def _apprise(name: str, section: Section) -> Channel:
    section.only((*_COMMON, "url_file"))
    _needed(section, name, "url_file")
    url = _secret(section, "url_file") or Secret("")
    return Apprise(envelope=_envelope(name, section, url), url=url)


KINDS: dict[str, Callable[[str, Section], Channel]] = {
    "log": _log,
    "mail": _mail,
    "webhook": _webhook,
    "slack": _slack,
    "alertmanager": _alertmanager,
    "apprise": _apprise,
}


def _needed(section: Section, name: str, key: str) -> str:
    found = section.text(key)
    if not found:
        raise ConfigError(
            f"{section.where('type')}: the channel {name!r} has no {key}", hint=f"Write {key}: …"
        )
    return found


def _secret(section: Section, key: str) -> Secret | None:
    file = section.text(key)
    if file is None:
        return None
    found = passwords.from_file(
        Path(file).expanduser(), where=section.where(key), what="file", owner_only=True
    )
    if not found.reveal() or not found.reveal().isprintable():
        raise ConfigError(
            f"{section.where(key)}: {file!r} holds no secret on one line",
            hint="Write the secret into it, on one line.",
        )
    return found


def _url(name: str, section: Section) -> Secret:
    stated = section.text("url")
    if (stated is None) == ("url_file" not in section):
        raise ConfigError(
            f"{section.where('type')}: the channel {name!r} needs one of url and url_file",
            hint="A URL that lets anybody in who has it belongs in a file: url_file: FILE.",
        )
    key = "url_file" if stated is None else "url"
    url = (_secret(section, key) or Secret("")) if stated is None else Secret(stated)
    try:
        parts = urlsplit(url.reveal())
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"{section.where(key)}: the URL of the channel {name!r} is malformed",
            hint="Write it as https://HOST/PATH.",
        )
    if parts.username or parts.password:
        raise ConfigError(
            f"{section.where(key)}: the URL of the channel {name!r} holds a login",
            hint="Write authorization_file: a file with the value of the header Authorization.",
        )
    return url
