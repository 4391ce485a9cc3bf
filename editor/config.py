"""What an operator decides. The only file that reads the environment."""

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from editor.limits import NAMES as LIMITS
from editor.limits import RANGES, Limits

PREFIX = "PALIMPSEST_"
NAMES = (
    "DATABASE_URL",
    "REDIS_URL",
    "WORKERS",
    "DATA",
    "SECRET_KEY",
    "HOST",
    "PORT",
    "ORIGINS",
    "TRUSTED_PROXIES",
    "SECURE_COOKIES",
    "LOG",
    "LOG_LEVEL",
)
SCHEMES = ("sqlite", "postgresql", "postgres", "postgresql+psycopg")  # of databases
SHORTEST_SECRET = 32  # characters
MOST_WORKERS = 64

DEFAULT_LIMITS = Limits()

T = TypeVar("T")


@dataclass(frozen=True)
class Config:
    """How this installation runs. Every field is an environment variable `PALIMPSEST_<FIELD>`; all have a default."""

    data: Path  # where SQLite and the kept secret live
    database_url: str = field(repr=False)  # may hold a password
    secret_key: str = field(repr=False)  # signs sessions; whoever knows it is everybody
    host: str = "127.0.0.1"
    port: int = 8000
    origins: tuple[str, ...] = ()  # addresses that browsers may come from, besides the server's own
    trusted_proxies: int = 0  # how many proxies in front tell the truth in X-Forwarded-*
    secure_cookies: bool = False  # cookies only over https
    redis_url: str = field(default="", repr=False)  # through which several processes hear of each other; "": one only
    workers: int = 1  # processes of this server, on this port and the next ones
    log: str = "text"  # lines for people; "json": an object a line, for programs
    log_level: str = "warning"  # from which on something is worth a line
    limits: Limits = DEFAULT_LIMITS  # each is a variable of its own

    @classmethod
    def from_environ(
        cls, environ: Mapping[str, str] = os.environ, given: Mapping[str, str] = {}, keep: bool = True
    ) -> "Config":
        """Read `PALIMPSEST_*`, but for what is given by its field's name; an empty value counts as not given.

        `keep`: make what is not there yet and has to be kept, the folder and a secret. Without it nothing is made, and
        nobody can be served. Raises ValueError that names the variable, or says which ones do not fit together.
        """
        read_in = {name.removeprefix(PREFIX): value for name, value in environ.items() if name.startswith(PREFIX)}
        given = {name: value for name, value in {**read_in, **given}.items() if value}
        unknown = sorted(name for name in given if name not in (*NAMES, *LIMITS) and not name.startswith("TEST_"))
        if unknown:
            known = ", ".join(PREFIX + name for name in (*NAMES, *LIMITS))
            raise ValueError(f"unknown setting {', '.join(PREFIX + name for name in unknown)}; known are {known}")

        def read(name: str, parse: Callable[[str], T], default: T) -> T:
            if name not in given:
                return default
            try:
                return parse(given[name])
            except ValueError as error:
                raise ValueError(f"{PREFIX}{name}: {error}") from None

        data = Path(given.get("DATA", "data")).absolute()
        # A proxy in front is where https usually ends; without one, plain http on this machine must work.
        trusted_proxies = read("TRUSTED_PROXIES", _number(0, 10), 0)
        workers = read("WORKERS", _number(1, MOST_WORKERS), cls.workers)
        _fit_together(given, workers)
        database_url, secret_key = read("DATABASE_URL", _database_url, ""), read("SECRET_KEY", _secret, "")
        if keep and not (database_url and secret_key):
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(
            data=data,
            database_url=database_url or f"sqlite:///{data / 'palimpsest.sqlite'}",
            secret_key=secret_key or (_kept_secret(data / "secret_key") if keep else ""),
            host=given.get("HOST", cls.host),
            port=read("PORT", _number(0, 65535), cls.port),
            origins=read("ORIGINS", _origins, ()),
            trusted_proxies=trusted_proxies,
            secure_cookies=read("SECURE_COOKIES", _yes_or_no, trusted_proxies > 0),
            redis_url=given.get("REDIS_URL", ""),
            workers=workers,
            log=read("LOG", _one_of("text", "json"), cls.log),
            log_level=read("LOG_LEVEL", _one_of("debug", "info", "warning", "error"), cls.log_level),
            limits=Limits(
                **{name: read(name.upper(), _number(*RANGES[name]), getattr(Limits, name)) for name in RANGES}
            ),
        )


def _fit_together(given: Mapping[str, str], workers: int) -> None:
    """Several processes need a database and a Redis that they share. Raises ValueError that says what to set."""
    several = f"{PREFIX}WORKERS={workers}" if workers > 1 else f"{PREFIX}REDIS_URL"
    if workers > 1 or "REDIS_URL" in given:
        if not given.get("DATABASE_URL", "").startswith("postgres"):
            raise ValueError(
                f"{several} is for several processes, which cannot share SQLite: set {PREFIX}DATABASE_URL to "
                "postgresql://<user>@<host>/<name>"
            )
        if "REDIS_URL" not in given:
            raise ValueError(
                f"{several} is for several processes, which hear of each other through Redis: set {PREFIX}REDIS_URL to "
                "redis://<host>"
            )
        if "SECRET_KEY" not in given:
            raise ValueError(
                f"{several} is for several processes, and a browser may come to any of them: set {PREFIX}SECRET_KEY, "
                "the same for all"
            )


def _database_url(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    if not separator or scheme not in SCHEMES:  # of the rest nothing is shown: it may hold a password
        came = f"{scheme}://..." if separator else "this"
        raise ValueError(f"expected sqlite:///<file> or postgresql://<user>@<host>/<name>, not {came}")
    return text


def _number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ValueError(f"expected a number from {least} to {most}, not {text!r}")
        return int(text)

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"expected {', '.join(words[:-1])} or {words[-1]}, not {text!r}")
        return text.lower()

    return parse


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("1", "0", "yes", "no", "true", "false"):
        raise ValueError(f"expected yes or no, not {text!r}")
    return text.lower() in ("1", "yes", "true")


def _origins(text: str) -> tuple[str, ...]:
    return tuple(_origin(word) for word in text.replace(",", " ").split())


def _origin(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or parts.fragment:
        raise ValueError(f"expected addresses like https://notes.example.org, not {text!r}")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"expected at least {SHORTEST_SECRET} characters, not {len(text)}")
    return text


def _kept_secret(path: Path) -> str:
    """The secret in this file, made on the first start: sessions outlive a restart with nothing configured."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(secrets.token_urlsafe(48))
        # A link appears at once and complete. Of several processes that start together one makes it, for all of them.
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    try:
        return _secret(path.read_text().strip())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
