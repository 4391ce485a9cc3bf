"""What an operator can say, and what they are told when it makes no sense."""

import multiprocessing
import stat
from pathlib import Path

import pytest

from editor.config import Config

SECRET = "x" * 32


def test_nothing_needs_to_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config.from_environ({"PATH": "/bin"})
    assert config.data == tmp_path / "data"
    assert config.database_url == f"sqlite:///{tmp_path}/data/palimpsest.sqlite"
    assert (config.host, config.port, config.origins) == ("127.0.0.1", 8000, ())
    assert (config.trusted_proxies, config.secure_cookies) == (0, False)


def test_everything_can_be_said(tmp_path: Path) -> None:
    config = Config.from_environ(
        {
            "PALIMPSEST_DATA": str(tmp_path / "here"),
            "PALIMPSEST_DATABASE_URL": "postgresql://ann@example.org/notes",
            "PALIMPSEST_REDIS_URL": "redis://example.org",
            "PALIMPSEST_WORKERS": "3",
            "PALIMPSEST_SECRET_KEY": SECRET,
            "PALIMPSEST_HOST": "0.0.0.0",
            "PALIMPSEST_PORT": "8123",
            "PALIMPSEST_ORIGINS": "https://notes.example.org/, http://Localhost:5173",
            "PALIMPSEST_TRUSTED_PROXIES": "2",
            "PALIMPSEST_SECURE_COOKIES": "no",
        }
    )
    assert config == Config(
        data=tmp_path / "here",
        database_url="postgresql://ann@example.org/notes",
        secret_key=SECRET,
        host="0.0.0.0",
        port=8123,
        origins=("https://notes.example.org", "http://localhost:5173"),
        trusted_proxies=2,
        secure_cookies=False,
        redis_url="redis://example.org",
        workers=3,
    )
    assert not (tmp_path / "here").exists(), "nothing is kept there"


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("DATABASE_URL", "which cannot share SQLite: set PALIMPSEST_DATABASE_URL to postgresql://"),
        ("REDIS_URL", "which hear of each other through Redis: set PALIMPSEST_REDIS_URL to redis://"),
        ("SECRET_KEY", "and a browser may come to any of them: set PALIMPSEST_SECRET_KEY, the same for all"),
    ],
)
def test_several_processes_need_what_they_share(tmp_path: Path, missing: str, sentence: str) -> None:
    said = {
        "PALIMPSEST_DATA": str(tmp_path),
        "PALIMPSEST_WORKERS": "3",
        "PALIMPSEST_DATABASE_URL": "postgresql://ann@example.org/notes",
        "PALIMPSEST_REDIS_URL": "redis://example.org",
        "PALIMPSEST_SECRET_KEY": SECRET,
    }
    assert Config.from_environ(said).workers == 3
    del said[f"PALIMPSEST_{missing}"]
    with pytest.raises(ValueError, match=f"^PALIMPSEST_WORKERS=3 is for several processes, {sentence}"):
        Config.from_environ(said)
    if missing != "REDIS_URL":
        with pytest.raises(ValueError, match="PALIMPSEST_REDIS_URL is for several processes"):
            Config.from_environ(said | {"PALIMPSEST_WORKERS": "1"})
    else:
        assert Config.from_environ(said | {"PALIMPSEST_WORKERS": "1"}).redis_url == ""


def test_an_empty_value_counts_as_not_given(tmp_path: Path) -> None:
    assert Config.from_environ({"PALIMPSEST_DATA": str(tmp_path), "PALIMPSEST_PORT": ""}).port == 8000


def test_behind_a_proxy_cookies_are_only_for_https(tmp_path: Path) -> None:
    environ = {"PALIMPSEST_DATA": str(tmp_path), "PALIMPSEST_TRUSTED_PROXIES": "1"}
    assert Config.from_environ(environ).secure_cookies


def test_the_secret_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    environ = {"PALIMPSEST_DATA": str(tmp_path / "data")}
    secret = Config.from_environ(environ).secret_key
    assert len(secret) >= 32
    assert Config.from_environ(environ).secret_key == secret
    assert stat.S_IMODE((tmp_path / "data" / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret_key"]


def secret_key(data: str) -> str:
    return Config.from_environ({"PALIMPSEST_DATA": data}).secret_key


def test_processes_that_start_together_share_a_secret(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        secrets = pool.map(secret_key, [str(tmp_path / "data")] * 16, chunksize=1)
    assert len(set(secrets)) == 1


def test_a_secret_does_not_show_up_in_a_log(tmp_path: Path) -> None:
    config = Config.from_environ(
        {
            "PALIMPSEST_DATA": str(tmp_path),
            "PALIMPSEST_SECRET_KEY": SECRET,
            "PALIMPSEST_DATABASE_URL": "postgresql://ann:hush@example.org/notes",
        }
    )
    assert SECRET not in repr(config)
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "eighty", "PALIMPSEST_PORT: expected a number from 0 to 65535, not 'eighty'"),
        ("PORT", "65536", "PALIMPSEST_PORT: expected a number"),
        ("PORT", "-1", "PALIMPSEST_PORT: expected a number"),
        ("TRUSTED_PROXIES", "²", "PALIMPSEST_TRUSTED_PROXIES: expected a number"),
        ("SECURE_COOKIES", "maybe", "PALIMPSEST_SECURE_COOKIES: expected yes or no, not 'maybe'"),
        ("ORIGINS", "notes.example.org", "PALIMPSEST_ORIGINS: expected addresses like"),
        ("ORIGINS", "https://notes.example.org/here", "PALIMPSEST_ORIGINS: expected addresses like"),
        ("SECRET_KEY", "short", "PALIMPSEST_SECRET_KEY: expected at least 32 characters, not 5"),
        ("PROT", "8000", "unknown setting PALIMPSEST_PROT; known are PALIMPSEST_DATABASE_URL, PALIMPSEST_REDIS_URL"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, name: str, value: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Config.from_environ({"PALIMPSEST_DATA": str(tmp_path), f"PALIMPSEST_{name}": value})


def test_a_spoiled_secret_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("")
    with pytest.raises(ValueError, match="secret_key: expected at least 32 characters, not 0"):
        Config.from_environ({"PALIMPSEST_DATA": str(tmp_path)})
