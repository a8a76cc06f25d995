"""What this process itself takes, in the names that every exporter has for it."""

from prometheus_client import CollectorRegistry, ProcessCollector

from .families import Family, Kind
from .rendering import Piece

_process = ProcessCollector(registry=CollectorRegistry(auto_describe=False))


def piece() -> Piece:
    """Return ``process_cpu_seconds_total``, ``process_resident_memory_bytes`` and so on."""
    families = []
    for metric in _process.collect():
        kind: Kind = "counter" if metric.type == "counter" else "gauge"
        for sample in metric.samples:
            families.append(Family(sample.name, kind, metric.documentation, (((), sample.value),)))
    return Piece("process", families)
