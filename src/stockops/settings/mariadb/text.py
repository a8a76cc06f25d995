"""What text and values may be, and whose clock is used."""

from ..facts import Facts, Value
from ..rule import Judgement, Rule, View, among, fine, propose, switched

_MODES = "MariaDB documentation, SQL_MODE"
# Zones without summer time, whose hour is the same all year.
_OFFSETS = {"UTC": "+00:00", "GMT": "+00:00", "KST": "+09:00", "JST": "+09:00"}


def _modes(view: View) -> Judgement:
    now = str(view.setting("sql_mode").value)
    modes = [mode for mode in now.split(",") if mode]
    strict = {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "TRADITIONAL"}
    if strict & {mode.upper() for mode in modes}:
        return fine("a value that does not fit is an error")
    wanted = ",".join(["STRICT_TRANS_TABLES", *modes])
    return propose(wanted, "a value that does not fit is cut, and stored")


def _zone(view: View) -> Judgement:
    if view.text("time_zone") != "system":
        return fine("it is named")
    system = str(view.setting("system_time_zone").value).upper()
    if system not in _OFFSETS:
        return fine(f"it is that of the system, {system}, whose offset is not the same all year")
    return propose(_OFFSETS[system], f"the system's {system} can change under the server")


def _character_set(facts: Facts, _value: Value) -> tuple[str, ...]:
    # A server whose two settings disagree does not start (10.11).
    collation = facts.settings.get("collation_server")
    kept = collation is None or str(collation.value).startswith("utf8mb4_")
    line = "character_set_server = utf8mb4"
    return (line,) if kept else (line, "collation_server = utf8mb4_general_ci")


def _default_zone(_facts: Facts, value: Value) -> tuple[str, ...]:
    return (f"default_time_zone = {value}",)  # the option has another name than the variable


def _names(view: View) -> Judgement:
    if view.flag("skip_name_resolve"):
        return fine("no name is looked up")
    accounts = view.state("accounts.by_host_name")
    if accounts:
        return fine(f"{accounts:.0f} accounts are let in by the name of their host")
    return propose(True, "every new connection waits for a name server, for nothing")


RULES = (
    Rule(
        setting="sql_mode",
        title="A value that does not fit is refused.",
        severity="risk",
        formula="with STRICT_TRANS_TABLES or STRICT_ALL_TABLES",
        source=_MODES,
        effect="a wrong value is an error, not another value",
        judge=_modes,
    ),
    Rule(
        setting="innodb_strict_mode",
        title="A table that cannot be made as asked is refused.",
        severity="hint",
        formula="ON",
        source="MariaDB documentation, InnoDB Strict Mode",
        effect="a wrong CREATE TABLE is an error, not another table",
        judge=switched("innodb_strict_mode", True, "options that do not fit are ignored"),
    ),
    Rule(
        setting="character_set_server",
        title="New databases can hold every letter.",
        severity="risk",
        formula="utf8mb4",
        source="MariaDB documentation, Setting Character Sets and Collations",
        effect="no name is refused or spoiled in new tables",
        judge=among("character_set_server", wanted="utf8mb4", why="some letters do not fit"),
        line=_character_set,
    ),
    Rule(
        setting="time_zone",
        title="The server's clock is its own.",
        severity="hint",
        formula="the system's offset, where it is the same all year",
        source="MariaDB documentation, Time Zones",
        effect="no lock of the system's zone table; the same times after a move",
        judge=_zone,
        line=_default_zone,
    ),
    Rule(
        setting="skip_name_resolve",
        title="A connection does not wait for a name server.",
        severity="hint",
        formula="ON, where no account is let in by the name of its host",
        source="MariaDB documentation, Server System Variables: skip_name_resolve",
        effect="new connections take less time",
        judge=_names,
    ),
)
