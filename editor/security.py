"""What the browser is told to refuse, what a request must bring, and how often one may ask."""

from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from editor import auth
from editor.config import Config

SESSION_DAYS = 180  # since the last visit; a guest who comes back later has lost their notes
BODY_BYTES = 64 * 1024
COUNTING = {"socket_connect_timeout": 1, "socket_timeout": 1}  # seconds that a Redis may take

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",  # the address of a note is nobody else's business
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Cookies(SecureCookieSessionInterface):
    """Sessions for everything but assets: those are the same for everybody, and caches should know it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/assets/") else super().open_session(app, request)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        serializer = super().get_signing_serializer(app)
        if serializer is not None:
            serializer.signer = _Signer
        return serializer


class _Signer(TimestampSigner):
    """Takes what we signed before the clock was put back: else that would sign out everybody who came since then."""

    def unsign(self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False) -> Any:
        try:
            return super().unsign(signed_value, max_age, return_timestamp)  # type: ignore[call-overload]
        except SignatureExpired as expired:
            if expired.date_signed is None or expired.date_signed.timestamp() <= self.get_timestamp():
                raise
            return super().unsign(signed_value, None, return_timestamp)  # type: ignore[call-overload]


def settings(config: Config) -> dict[str, object]:
    """Flask's settings for sessions, cookies and limits."""
    return {
        "SECRET_KEY": config.secret_key,
        "SESSION_COOKIE_NAME": "palimpsest",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.secure_cookies,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": SESSION_DAYS * 24 * 3600,
        "MAX_CONTENT_LENGTH": BODY_BYTES,
        "WTF_CSRF_TIME_LIMIT": None,  # a token lasts as long as the session
        "WTF_CSRF_SSL_STRICT": False,  # some browsers send no Referer; the token in the header is the proof
    }


def register(app: Flask) -> None:
    """Protect every request and answer. Call it before the views are registered."""
    app.session_interface = Cookies()
    CSRFProtect(app)

    @app.after_request
    def _protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)  # a view may ask for less
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response


def trust_proxies(app: Flask, count: int) -> None:
    """Believe what so many proxies in front say about address, scheme and host. Call it last: all must see it."""
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]


def limit(app: Flask, redis_url: str = "") -> None:
    """How often one address may ask for what is expensive or can be guessed. Call it when the views are registered.

    Several processes count together in Redis; while that is away, each for itself.
    """
    limiter = Limiter(
        get_remote_address,
        app=app,
        storage_uri=redis_url or "memory://",
        storage_options=dict(COUNTING) if redis_url else {},
        in_memory_fallback_enabled=bool(redis_url),
        key_prefix="palimpsest",
        strategy="moving-window",
    )

    def account() -> str:
        content = request.get_json(silent=True)
        email = content.get("email") if isinstance(content, dict) else None
        return f"{get_remote_address()} {auth.normalized(email)}"

    views: dict[str, Any] = app.view_functions
    tries = app.extensions["config"].limits.logins_per_minute
    signing_in = limiter.limit(f"{tries} per minute; {6 * tries} per hour", key_func=account, deduct_when=_failed)
    views["security.login"] = limiter.limit("60 per minute")(signing_in(views["security.login"]))
    views["security.change_password"] = limiter.limit("10 per minute")(views["security.change_password"])
    views["security.register"] = limiter.limit("60 per minute")(views["security.register"])
    views["repairs.repair"] = limiter.limit("20 per minute")(views["repairs.repair"])
    views["guests.create"] = limiter.limit("120 per minute")(views["guests.create"])


def _failed(response: Response) -> bool:
    return response.status_code == 401
