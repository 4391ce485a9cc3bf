"""What the program says to whoever operates it: lines for people, or for programs one JSON object a line.

Of notes, people and connections their ids, where they are known; never what they wrote, their links, their passwords.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from editor.config import Config

ABOUT = ("document", "user", "connection", "route")  # what a line may say it is about, as `extra`
OURS = ("editor", "sync")  # of others only warnings: some of them would tell what people wrote

say = logging.getLogger("palimpsest").info  # what is no complaint: that it serves, and where


def install(config: Config) -> None:
    """From now on this process, and those it makes, say things as the operator wants them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    told = logging.getLogger("palimpsest")
    told.setLevel(logging.INFO)
    if config.log == "json":
        handler.setFormatter(_Json())
        logging.captureWarnings(True)
    else:
        told.propagate = False
        told.addHandler(logging.StreamHandler(sys.stdout))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for name in OURS:
        logging.getLogger(name).setLevel(config.log_level.upper())


class Gunicorn(GunicornLogger):  # type: ignore[misc]
    """gunicorn's own lines among the others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        about = {name: getattr(record, name, None) for name in ABOUT}
        said |= {name: value for name, value in about.items() if value is not None}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)
