"""Whether this process can do its work, for whoever watches it."""

from flask import Blueprint
from sqlalchemy import select

from editor.database import session

health = Blueprint("health", __name__)


@health.get("/healthz")
def show() -> dict[str, str]:
    """200 when the database answers; 503 when it does not."""
    session.execute(select(1))
    return {"status": "ok"}
