"""What can go wrong over HTTP, in one JSON shape: problem details (RFC 9457).

A view raises one of these; nobody builds an error response by hand.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

from flask import Flask, Response, json, request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from editor import about, outage

log = logging.getLogger(__name__)

FieldErrors = Mapping[str, Sequence[str]]


class Problem(Exception):
    """An answer that is not what was asked for. `type` is for programs, `detail` is a sentence for people."""

    type = "error"
    title = "This did not work"
    status = 500

    def __init__(self, detail: str, errors: FieldErrors | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors  # what is wrong with each field of the request

    def as_json(self) -> dict[str, object]:
        shape: dict[str, object] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            shape["errors"] = {field: list(sentences) for field, sentences in self.errors.items()}
        return shape


class Invalid(Problem):
    type, title, status = "invalid", "Something is missing or wrong", 400


class CsrfMissing(Problem):
    type, title, status = "csrf", "This page is out of date", 400


class SignIn(Problem):
    type, title, status = "sign-in", "Sign in first", 401


class WrongPassword(Problem):
    type, title, status = "denied", "Not signed in", 401


class Denied(Problem):
    type, title, status = "denied", "You may not do this", 403


class NotFound(Problem):
    type, title, status = "not-found", "There is nothing here for you", 404


class Conflict(Problem):
    type, title, status = "conflict", "This does not fit any more", 409


class Damaged(Problem):
    type, title, status = "damaged", "A part of this note is damaged", 409


class Rate(Problem):
    type, title, status = "rate", "Too many tries", 429


class Broken(Problem):
    type, title, status = "error", "Something went wrong here", 500


class Unavailable(Problem):
    type, title, status = "unavailable", "Not possible right now", 503


def register(app: Flask, page: Callable[[Problem], Response]) -> None:
    """Every exception of a request becomes a problem: JSON where scripts ask, a `page` where people do."""

    def answer(problem: Problem) -> Response:
        if not request.path.startswith(("/api/", "/assets/")):
            return page(problem)
        response = Response(json.dumps(problem.as_json()), problem.status)
        response.content_type = "application/problem+json"
        return response

    def http(error: HTTPException) -> Response:
        answered = answer(_translate(error))
        for name, value in error.get_headers():
            if name in ("Allow", "Retry-After"):
                answered.headers[name] = value
        return answered

    def unexpected(error: Exception) -> Response:
        outage_words = outage.words(error)
        if outage_words is not None:
            log.error(
                "%s %s was not possible: %s %r", request.method, request.path, outage_words, _cause(error),
                extra=about.of_request(),
            )  # fmt: skip
            return answer(Unavailable(f"{outage_words} Nothing you wrote is lost; please try again."))
        log.error("%s %s failed", request.method, request.path, exc_info=error, extra=about.of_request())
        return answer(Broken("The server could not do this. Nothing you wrote is lost; please try again."))

    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(Exception, unexpected)


def _cause(error: Exception) -> object:
    """What the database's driver said, without the statement and its values."""
    return getattr(error, "orig", None) or error


def _translate(error: HTTPException) -> Problem:
    """The problem that an exception of Flask or one of its extensions stands for."""
    if isinstance(error, CSRFError):
        return CsrfMissing("This page is out of date. Load it again and try once more.")
    if isinstance(error, RateLimitExceeded):
        return Rate("That was too often. Wait a minute, then try again.")
    if error.code == 404:
        return NotFound("There is nothing at this address, or not for you.")
    problem = Problem(error.description or error.name)
    problem.status = error.code or 500
    problem.type = "invalid" if problem.status < 500 else "error"
    problem.title = error.name
    return problem
