"""What is in docs/deploy and docker-compose.yml fits together. No engine runs here: the same topology, started from the
same nginx.conf, is what tests/cluster attacks."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from editor.config import NAMES, PREFIX
from tests.services import free_port, nginx_program

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "docs" / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
APPS = [name for name, service in SERVICES.items() if service["image"] == "palimpsest"]


def make_env() -> dict[str, str]:
    made = subprocess.run(["sh", DEPLOY / "make-env"], capture_output=True, text=True, check=True)
    lines = [line for line in made.stdout.splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_nginx_has_the_configuration_that_is_tested() -> None:
    mounted = dict(volume.rsplit(":", 1)[0].split(":") for volume in SERVICES["nginx"]["volumes"])
    assert mounted == {
        f"./docs/deploy/{name}": f"/etc/palimpsest/{name}" for name in ("nginx.conf", "servers.conf", "site.conf")
    }
    assert "/etc/palimpsest/nginx.conf" in SERVICES["nginx"]["command"]
    port = SERVICES["nginx"]["ports"][0].rsplit(":", 1)[1]
    assert f"listen {port};" in (DEPLOY / "site.conf").read_text()


def test_nginx_knows_every_instance() -> None:
    assert re.findall(r"^server (\w+):8000 ", (DEPLOY / "servers.conf").read_text(), re.MULTILINE) == APPS
    assert len(APPS) == 3


def test_every_service_is_careful() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"]) > 0, name
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name
    waited_for = {other for service in SERVICES.values() for other in service.get("depends_on", {})}
    assert waited_for == SERVICES.keys() - {"nginx"}
    for service in SERVICES.values():
        assert all(each == {"condition": "service_healthy"} for each in service.get("depends_on", {}).values())


def test_the_settings_exist_and_the_secrets_are_made() -> None:
    for app in APPS:
        environment = SERVICES[app]["environment"]
        assert {name.removeprefix(PREFIX) for name in environment} <= set(NAMES)
    text = (ROOT / "docker-compose.yml").read_text()
    needed = set(re.findall(r"\$\{(\w+):\?run docs/deploy/make-env\}", text))
    assert needed == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "PALIMPSEST_SECRET_KEY"}
    first, second = make_env(), make_env()
    assert set(re.findall(r"\$\{(\w+)", text)) == first.keys()
    for name in needed:
        assert re.fullmatch(r"[A-Za-z0-9]{48}", first[name])
        assert first[name] != second[name]
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_one_process_is_built_and_watched_the_same_way() -> None:
    alone = yaml.safe_load((DEPLOY / "one-process.yml").read_text())["services"]["palimpsest"]
    (build,) = {tuple(SERVICES[app]["build"].items()) for app in APPS}
    assert dict(build) == {"context": ".", "dockerfile": "docs/deploy/Dockerfile"}
    assert alone["build"] == {"context": "../..", "dockerfile": "docs/deploy/Dockerfile"}
    assert alone["healthcheck"]["test"] == SERVICES[APPS[0]]["healthcheck"]["test"]
    for copied in re.findall(r"^COPY (.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        for pattern in shlex.split(copied):
            assert list(ROOT.glob(pattern)), pattern


@pytest.mark.skipif(not shutil.which("openssl"), reason="makes a certificate with openssl")
def test_https_is_a_file_away(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "nginx.conf", tmp_path)
    (tmp_path / "servers.conf").write_text("server 127.0.0.1:8000;\n")
    # Not on the ports that it has there: somebody may use them here.
    site = (DEPLOY / "site-tls.conf").read_text()
    (tmp_path / "site.conf").write_text(re.sub(r"listen \d+", lambda _: f"listen 127.0.0.1:{free_port()}", site))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    command += ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run(command, check=True, capture_output=True)
    command = [str(nginx_program()), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-t"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_the_unit_of_systemd_starts_what_there_is() -> None:
    unit = (DEPLOY / "palimpsest.service").read_text()
    assert "ExecStart=/opt/palimpsest/bin/palimpsest serve\n" in unit
    assert "kill -HUP $MAINPID" in unit


def test_what_is_watched_is_counted(tmp_path: Path) -> None:
    """Every number that an alert or the dashboard asks for, the program knows, and every alert is explained."""
    alerts = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    asked = [rule["expr"] for rule in alerts]
    asked += [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    source = (ROOT / "editor" / "metrics.py").read_text()
    counted = {f"palimpsest_{name}" for name in re.findall(r'_(?:gauge|counters?|histogram)\(\s*"(\w+)"', source)}
    for expression in asked:
        for name in re.findall(r"palimpsest_\w+", expression):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in counted, expression
    guide = (ROOT / "docs" / "operator.md").read_text()
    for rule in alerts:
        assert f"`{rule['alert']}`" in guide
