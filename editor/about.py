"""What a line of the log is about, beyond what it says."""

from flask import g, request
from sqlalchemy import inspect


def of_request() -> dict[str, object]:
    """What this request is about. Its rule and not its path, which may hold the token of a link; asks no database."""
    # Whom Flask-Login has found already; None also for one that has no row.
    user = inspect(g.get("_login_user"), raiseerr=False)
    return {
        "route": f"{request.method} {request.url_rule or 'none'}",
        "document": (request.view_args or {}).get("document_id"),
        "user": user.identity[0] if user is not None and user.identity else None,
    }
