"""How each format begins: known before the one that a log has is read in."""

import re

_COMMANDS = (
    b"Binlog Dump|Binlog Dump GTID|Bulk_execute|Change user|Close stmt|Connect|Connect Out|"
    b"Create DB|Daemon|Debug|Delayed insert|Drop DB|Error|Execute|Fetch|Field List|Init DB|Kill|"
    b"Long Data|Ping|Prepare|Processlist|Query|Quit|Refresh|Register Slave|Register Replica|"
    b"Reset Connection|Reset connection|Reset stmt|Set option|Shutdown|Sleep|Statistics|"
    b"Table Dump|Time"
)
GENERAL = re.compile(
    rb"^(?:(?P<old>\d{6} [ \d]\d:\d\d:\d\d)\t|\t\t|(?P<new>\d{4}-\d\d-\d\dT[\d:.]+\S*)\t)"
    rb" *(?P<thread>\d+) (?P<command>" + _COMMANDS + rb")(?:\t|$)",
    re.MULTILINE,
)

_DAY = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
SYSLOG_LINE = (
    rf"(?:<\d{{1,3}}>)?(?:1 )?(?:{_DAY}|(?P<iso>{_ISO})) \S+ (?P<program>[^\s\[\]:]+)"
    r"(?:\[(?P<pid>\d+)\]:| (?P<process>\d+) \S+ (?:-|(?:\[[^\]\n]*\])+)) "
)
SYSLOG = re.compile(f"^{SYSLOG_LINE}".encode(), re.MULTILINE)
JOURNAL = re.compile(rb'^\{[^\n]{0,4000}?"__REALTIME_TIMESTAMP"', re.MULTILINE)
CSV = re.compile(
    rb'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Za-z0-9+:-]+,(?:"[^"]*"|[^,]*),', re.MULTILINE
)
JSON = re.compile(rb'^\s*\{"(?:timestamp|level|record|log_time)":', re.MULTILINE)
MYSQL_ENTRY = re.compile(rb"^# (?:User@Host|Query_time): ", re.MULTILINE)
MYSQL = re.compile(
    rb"^# (?:User@Host|Query_time): |^[^\n]*, Version: [^\n]*started with:", re.MULTILINE
)

OBJECT = re.compile(rb'^\s*\{"', re.MULTILINE)
OF = {
    "csv": CSV, "json": JSON, "mysql": MYSQL, "general": GENERAL, "syslog": SYSLOG,
    "journal": JOURNAL,
}  # fmt: skip
