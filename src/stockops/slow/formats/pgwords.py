"""
What PostgreSQL says in a log, in the languages that it says it in.

The wording is that of the server's own message catalogues (``postgres-15.mo``), as its printf
templates: a language is added by a table of its own. auto_explain speaks English in all of them.
"""

import re
from collections.abc import Mapping
from functools import cache

# The names that severities have in a log, and what they are.
SEVERITIES: Mapping[str, str] = {
    "LOG": "LOG", "ERROR": "ERROR", "FATAL": "FATAL", "PANIC": "PANIC", "WARNING": "WARNING",
    "NOTICE": "NOTICE", "INFO": "INFO", "DEBUG": "DEBUG", "DEBUG1": "DEBUG", "DEBUG2": "DEBUG",
    "DEBUG3": "DEBUG", "DEBUG4": "DEBUG", "DEBUG5": "DEBUG",
    "로그": "LOG", "오류": "ERROR", "치명적오류": "FATAL", "손상": "PANIC", "경고": "WARNING",
    "알림": "NOTICE", "정보": "INFO", "디버그": "DEBUG",
}  # fmt: skip
# The labels of the lines that follow an entry of the same session.
LABELS: Mapping[str, str] = {
    "DETAIL": "detail", "HINT": "hint", "CONTEXT": "context", "STATEMENT": "statement",
    "QUERY": "query", "LOCATION": "location", "BACKTRACE": "backtrace",
    "상세정보": "detail", "힌트": "hint", "내용": "context", "명령 구문": "statement",
    "쿼리": "query", "위치": "location",
}  # fmt: skip
# One template a line for each language; %s is any text, %d digits, %n a number of milliseconds.
_DURATIONS = [
    ("statement", "duration: %n ms  statement: %q"),
    ("plan", "duration: %n ms  plan:\n%q"),
    ("parse", "duration: %n ms  parse %w: %q"),
    ("bind", "duration: %n ms  bind %w: %q"),
    ("fetch", "duration: %n ms  execute fetch from %w: %q"),
    ("execute", "duration: %n ms  execute %w: %q"),
    ("fastpath", 'duration: %n ms  fastpath function call: "%w"%q'),
    ("duration", "duration: %n ms"),
    ("statement", "실행시간: %n ms  명령 구문: %q"),
    ("parse", "실행시간: %n ms  %w 구문분석: %q"),
    ("bind", "실행시간: %n ms  %w 접속: %q"),
    ("fetch", "수행시간: %n ms  자료뽑기 %w: %q"),
    ("execute", "수행시간: %n ms  쿼리실행 %w: %q"),
    ("fastpath", '작업시간: %n ms  fastpath 함수 호출: "%w"%q'),
    ("duration", "실행시간: %n ms"),
]
_STATEMENTS = [
    ("fetch", "execute fetch from %w: %q"),
    ("execute", "execute %w: %q"),
    ("statement", "statement: %q"),
    ("fetch", "자료뽑기 %w: %q"),
    ("execute", "쿼리실행 %w: %q"),
    ("statement", "명령 구문: %q"),
]
_NOTICES = [
    ("temp_file", 'temporary file: path "%s", size %d'),
    ("temp_file", '임시 파일: 경로 "%s", 크기 %d'),
    ("lock_wait", "process %d still waiting for %s"),
    ("lock_wait", "%d PID 프로세스에서 여전히 %s"),
    ("lock_wait", "process %d acquired %s"),
    ("lock_wait", "%d PID 프로세스가 %s 작업을 위해 잠금 취득함%s"),
    ("deadlock", "deadlock detected"),
    ("deadlock", "deadlock 발생했음"),
    ("checkpoint", "checkpoint %s"),
    ("checkpoint", "체크포인트 %s"),
    ("checkpoint", "restartpoint %s"),
    ("autovacuum", "automatic %s of table %s"),
    ("autovacuum", '"%s" 테이블 자동 %s'),
    ("autovacuum", '"%s" 테이블 대상으로 자동 vacuum %s'),
    ("connection", "connection %s"),
    ("connection", "접속 수락: %s"),
    ("connection", "연결 인증: %s"),
    ("connection", "disconnection: %s"),
    ("connection", "연결종료: %s"),
]
_PARAMETERS = re.compile(r"(?:[Pp]arameters|매개 변수): ")
_HOLES = {
    "%n": r"(?P<ms>\d{1,15})\.(?P<us>\d{3})",
    "%w": r"(?P<name>\S+?)",
    "%q": r"(?P<sql>.*)",
    "%s": r".+?",
    "%d": r"\d+",
}


def _pattern(template: str) -> str:
    parts = re.split(r"(%[nwqsd])", template)
    return "".join(_HOLES.get(part, re.escape(part)) for part in parts)


def _patterns(table: list[tuple[str, str]], end: str) -> list[tuple[str, re.Pattern[str]]]:
    return [(kind, re.compile(_pattern(text) + end, re.DOTALL)) for kind, text in table]


@cache
def durations() -> list[tuple[str, re.Pattern[str]]]:
    """Return how an entry with a duration reads; the groups are ms, us, name and sql."""
    return _patterns(_DURATIONS, r"\Z")


@cache
def statements() -> list[tuple[str, re.Pattern[str]]]:
    """Return how an entry without a duration reads that log_statement asked for."""
    return _patterns(_STATEMENTS, r"\Z")


@cache
def notices() -> list[tuple[str, re.Pattern[str]]]:
    """Return how what the server says of itself begins."""
    return _patterns(_NOTICES, "")


def parameters(detail: str) -> str:
    """Return the parameters that a DETAIL line names, as the server wrote them; "" for none."""
    found = _PARAMETERS.match(detail)
    return detail[found.end() :] if found else ""
