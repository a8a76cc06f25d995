"""What InnoDB counts of itself."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ...engine.base import Server
from ...queries import Query
from ..columns import Column, families
from ..context import Context, Lane
from ..documents import Document, ask, rows
from ..families import Family, Kind, Sample
from ..naming import named
from ..values import number

NAME = "innodb"
LANE: Lane = "fast"
INNODB = Query("exporter/innodb", Document)

_PREFIX = "mysql_info_schema_innodb_metrics_"
_TRAFFIC = re.compile(r"buffer_page_(read|written)_(.+)")
_STATE = re.compile(r"buffer_pool_pages_(.+)")
_COMPRESSED = tuple(
    Column(name, f"mysql_info_schema_innodb_cmp_{metric}", text, "counter")
    for name, metric, text in (
        ("compress_ops", "compress_ops_total", "Times a page was compressed."),
        ("compress_ops_ok", "compress_ops_ok_total", "Times a page came out small enough."),
        ("compress_time", "compress_time_seconds_total", "Seconds of compressing."),
        ("uncompress_ops", "uncompress_ops_total", "Times a page was expanded."),
        ("uncompress_time", "uncompress_time_seconds_total", "Seconds of expanding."),
    )
)
_MEMORY = tuple(
    Column(name, f"mysql_info_schema_innodb_cmpmem_{metric}", text, "counter", scale)
    for name, metric, text, scale in (
        ("pages_used", "pages_used_total", "Blocks in use (they may fall).", 1),
        ("pages_free", "pages_free_total", "Blocks that are free (they may fall).", 1),
        ("relocation_ops", "relocation_ops_total", "Times a block was moved.", 1),
        ("relocation_time", "relocation_time_seconds_total", "Seconds of moving blocks.", 1e-6),
    )
)


def collect(server: Server, context: Context) -> Iterable[Family]:
    """Give INNODB_METRICS as far as they are on, INNODB_CMP and INNODB_CMPMEM."""
    said = ask(server, INNODB)
    found = [*_metrics(said["metrics"] or [])]
    found += families(rows(said, "compressed"), _COMPRESSED, ("page_size",))
    found += families(rows(said, "memory"), _MEMORY, ("page_size", "buffer_pool"))
    return named(found, context.names)


def _metrics(metrics: Sequence[Sequence[Any]]) -> Iterable[Family]:
    grouped: dict[tuple[str, Kind], list[Sample]] = defaultdict(list)
    for name, subsystem, kind, count in metrics:
        value = number(count)
        if value is None:
            continue
        if subsystem == "buffer_page_io" and (found := _TRAFFIC.fullmatch(name)):
            key: tuple[str, Kind] = (f"{_PREFIX}buffer_page_{found[1]}_total", "counter")
            grouped[key].append(((("type", found[2]),), value))
        elif subsystem == "buffer" and (found := _STATE.fullmatch(name)):
            if found[1] == "dirty":
                grouped[f"{_PREFIX}buffer_pool_dirty_pages", "gauge"].append(((), value))
            elif found[1] != "total":  # the sum of the others
                state = (("state", found[1]),)
                grouped[f"{_PREFIX}buffer_pool_pages", "gauge"].append((state, value))
        elif kind in {"counter", "status_counter"} and value >= 0:
            grouped[f"{_PREFIX}{subsystem}_{name}_total", "counter"].append(((), value))
        else:
            grouped[f"{_PREFIX}{subsystem}_{name}", "gauge"].append(((), value))
    for (metric, metric_kind), samples in grouped.items():
        yield Family(
            metric, metric_kind, "A counter of information_schema.INNODB_METRICS.", tuple(samples)
        )
