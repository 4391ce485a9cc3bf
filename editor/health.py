"""Whether this process can do its work, for whoever watches it."""

from flask import Blueprint, current_app
from sqlalchemy.exc import SQLAlchemyError

from editor import migrations, outage

health = Blueprint("health", __name__)


@health.get("/healthz")
def live() -> dict[str, str]:
    """200 while the process answers at all. If it does not, it wants to be started again."""
    return {"status": "ok"}


@health.get("/readyz")
def ready() -> tuple[dict[str, str], int]:
    """200 while people may be sent here: the database answers, its tables are ours, and we are not about to stop.

    A Redis that is away is told, and no reason to send nobody: everything works without it, some of it a second later.
    """
    said = {"database": _database(), "redis": _redis(), "process": _process()}
    is_ready = said["database"] == said["process"] == "ok"
    return {"status": "ok" if is_ready else "not ready", **said}, 200 if is_ready else 503


def _database() -> str:
    try:
        version = migrations.version(current_app.extensions["engine"])
    except SQLAlchemyError as error:
        return outage.words(error) or "The database does not answer."
    if migrations.is_older(version):
        return f"Its tables are of version {version}, not {migrations.newest()}: palimpsest migrate"
    return "ok"


def _redis() -> str:
    if "watch" not in current_app.extensions:
        return "not used"
    return "away" if current_app.extensions["broker"].silent else "ok"


def _process() -> str:
    return "stopping" if current_app.extensions["sockets"].draining else "ok"
