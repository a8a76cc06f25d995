"""SHOW GLOBAL VARIABLES, as far as they are numbers or switches, and the version."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ...engine.base import Server
from ...queries import Query
from ..context import Context, Lane
from ..documents import Document, ask_unless_same
from ..families import Family, one
from ..naming import named
from ..values import number

NAME = "settings"
LANE: Lane = "fast"
SETTINGS = Query("exporter/settings", Document)

_ODD = re.compile(r"[^a-z0-9_]")


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give every global variable that is a number or a switch."""
    return ask_unless_same(
        server,
        SETTINGS,
        context=context,
        families=lambda said: named(_families(said), context.names),
    )


def _families(settings: Mapping[str, object]) -> Iterable[Family]:
    for name, text in settings.items():
        value = number(text)
        if value is not None:
            yield one(
                _metric(name),
                "gauge",
                f"{name} of SHOW GLOBAL VARIABLES.",
                value,
            )
    version = ("innodb_version", "version", "version_comment")
    yield Family(
        "mysql_version_info",
        "gauge",
        "1 for the version of the server.",
        ((tuple((name, str(settings.get(name) or "")) for name in version), 1),),
    )
    isolation = str(settings.get("tx_isolation") or settings.get("transaction_isolation") or "")
    yield Family(
        "mysql_transaction_isolation",
        "gauge",
        "1 for the isolation that a session begins with.",
        (((("level", isolation),), 1),),
    )
    if cluster := settings.get("wsrep_cluster_name"):
        yield Family(
            "mysql_galera_variables_info",
            "gauge",
            "1 for the name of the cluster of Galera.",
            (((("wsrep_cluster_name", str(cluster)),), 1),),
        )


@lru_cache(maxsize=4096)
def _metric(name: str) -> str:
    return f"mysql_global_variables_{_ODD.sub('_', name)}"
