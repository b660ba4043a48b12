"""Logs, metrics and traces, written at seams only. Neither ever holds a cue, a key or a body.

Metrics are Prometheus'; with several workers each writes its own files in a shared folder and
any one of them answers for all (`share_metrics`, before a worker starts). No label holds a space's
name, but of the spaces that an operator names.
"""

from recollect.telemetry import traces
from recollect.telemetry.logs import JSONFormatter, configure_logging, log, log_request, server_logging, write_requests
from recollect.telemetry.measures import Metrics, metrics, share_metrics

__all__ = [
    "JSONFormatter",
    "Metrics",
    "configure_logging",
    "log",
    "log_request",
    "metrics",
    "server_logging",
    "share_metrics",
    "traces",
    "write_requests",
]
