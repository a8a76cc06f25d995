"""Metrics for Prometheus, from an exporter that cannot hurt the server it watches."""

from .collectors import FILES, SERVERS
from .context import Context, FileCollector, Lane, Names, ServerCollector
from .families import Family, Kind, Labels, Sample
from .pages import allowed_s, routes
from .rendering import Answer, Piece, plain, render
from .serving import Request, Response, Route, WebServer
from .watch import Manner, Watch
from .watches import Source, Watches
from .webconfig import Guard

__all__ = [
    "FILES",
    "SERVERS",
    "Answer",
    "Context",
    "Family",
    "FileCollector",
    "Guard",
    "Kind",
    "Labels",
    "Lane",
    "Manner",
    "Names",
    "Piece",
    "Request",
    "Response",
    "Route",
    "Sample",
    "ServerCollector",
    "Source",
    "Watch",
    "Watches",
    "WebServer",
    "allowed_s",
    "plain",
    "render",
    "routes",
]
