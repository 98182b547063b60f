"""The log: lines for people, or one JSON object a line for machines, on the standard error."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
            "part": record.name,
            "said": record.getMessage(),
        }
        said |= getattr(record, "fields", {})  # a call's story, each part under its name
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def configure(level: str, log_format: str) -> None:
    """Log from that level on (`debug`, `info`, `warning`, `error`), as `text` or `json`; replaces what was before."""
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(_JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(message)s"))
    # What no line shows need not be found out for each: the source's place, and the thread (a greenlet here).
    logging._srcfile = None  # noqa: SLF001 - as the logging HOWTO's "Optimization" says
    logging.logThreads = False
    logging.logMultiprocessing = False
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
