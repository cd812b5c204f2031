"""The production shape is that of `make run`, is valid, and asks for nothing unwritten."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
PROCFILE = (ROOT / "Procfile").read_text(encoding="utf-8")
PROGRAMS = {line.partition(":")[0] for line in PROCFILE.splitlines()} - {"simulate"}
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
LONG = timedelta(days=3650)
NAMED = set(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=", EXAMPLE, re.MULTILINE))


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, one line each."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Return the instructions of every stage."""
    found: dict[str, list[tuple[str, str]]] = {"": []}
    for verb, rest in instructions():
        if verb == "FROM":
            name = rest.split(" AS ")[1]
            found[name] = []
        found[list(found)[-1]].append((verb, rest))
    return found


# ── compose ───────────────────────────────────────────────────────────────────────────────────


def test_the_compose_file_is_valid():
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(COMPOSE, json.loads(schema.read_text(encoding="utf-8")))


def test_every_program_of_the_procfile_is_a_service_started_by_its_line():
    assert SERVICES.keys() - PROGRAMS == {"migrate", "postgis", "redis"}
    for name in PROGRAMS - {"nginx"}:
        assert SERVICES[name]["command"] == [name]
        assert SERVICES[name]["build"]["target"] == "app"
        assert "entrypoint" not in SERVICES[name]
    entrypoints = {
        name: rest
        for name, lines in stages().items()
        for verb, rest in lines
        if verb == "ENTRYPOINT"
    }
    assert json.loads(entrypoints["app"]) == ["scripts/program"]
    assert "exec scripts/program nginx" in entrypoints["nginx"]


def test_a_program_becomes_the_line_of_the_procfile(tmp_path):
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/program", tmp_path / "scripts")
    (tmp_path / "Procfile").write_text('web: exec echo "on $RUN/web.sock"\nweb2: exec false\n')

    def run(name: str) -> subprocess.CompletedProcess[str]:
        command = [tmp_path / "scripts/program", name]
        return subprocess.run(
            command,
            env={"RUN": "/run/x", "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("web").stdout == "on /run/x/web.sock\n"
    assert run("we").returncode == 1
    assert "has no program 'we'" in run("we").stderr


def test_every_service_is_watched_and_comes_back():
    for name, service in SERVICES.items():
        if name != "migrate":
            assert service["healthcheck"]["test"], name
            assert service["restart"] == "unless-stopped", name


def test_only_the_migration_is_the_owner_of_the_tables():
    for name, service in SERVICES.items():
        environment = service.get("environment", {})
        is_owner = "citymgmt_owner" in environment.get("DATABASE_OWNER_URL", "")
        assert is_owner == (name == "migrate"), name
        assert ("OWNER_PASSWORD" in json.dumps(environment)) == (name in ("migrate", "postgis"))
    for name in PROGRAMS - {"nginx"}:
        assert "citymgmt_app:" in SERVICES[name]["environment"]["DATABASE_URL"]
        waits = SERVICES[name]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully"


def test_programs_of_ours_can_write_nothing_but_their_volumes():
    for name in PROGRAMS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert "media:/srv/media:ro" in SERVICES["nginx"]["volumes"]


def test_what_services_use_is_declared():
    for service in SERVICES.values():
        named = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert {name for name in named if not name.startswith((".", "/"))} <= set(
            COMPOSE["volumes"]
        )
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        for name in named:
            assert not name.startswith("./") or (ROOT / name).exists()


def test_only_nginx_is_reached_from_outside():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"nginx"}
    assert COMPOSE["networks"]["inner"]["internal"] is True
    for name in ("web", "ws", "postgis", "redis"):
        assert SERVICES[name]["networks"] == ["inner"]


# ── Dockerfile ────────────────────────────────────────────────────────────────────────────────


def test_images_have_a_version_and_no_registry():
    images = [rest.split("=")[1] for verb, rest in stages()[""] if verb == "ARG"]
    images += [SERVICES[name]["image"] for name in ("postgis", "redis")]
    for image in images:
        name, _colon, version = image.partition(":")
        assert version, image
        assert version != "latest"
        assert "." not in name.split("/")[0], image


def test_what_serves_people_does_not_run_as_root():
    for name in ("app", "nginx"):
        users = [rest for verb, rest in stages()[name] if verb == "USER"]
        assert users == ["citymgmt"], name


def test_every_stage_begins_from_something_and_copies_what_there_is():
    known = stages()
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    for name, lines in known.items():
        for verb, rest in lines:
            if verb == "FROM":
                assert re.fullmatch(r"\$\{[A-Z]+_IMAGE\} AS [a-z]+", rest)
            if verb != "COPY":
                continue
            words = rest.split()
            if words[0].startswith("--from="):
                assert words[0].removeprefix("--from=") in known, (name, rest)
                continue
            for source in words[:-1]:
                assert (ROOT / source).exists(), (name, source)
                assert not any(fnmatch(source, pattern) for pattern in ignored if pattern), source
    assert {SERVICES[one]["build"]["target"] for one in PROGRAMS} <= set(known)
    assert all(verb != "ADD" for lines in known.values() for verb, _rest in lines)


def test_packages_are_installed_lean_and_compared_with_their_hashes():
    for lines in stages().values():
        for verb, rest in lines:
            if verb == "RUN" and "apt-get install" in rest:
                assert "--no-install-recommends" in rest
                assert "rm -rf /var/lib/apt/lists/*" in rest
            if verb == "RUN" and "pip install" in rest:
                assert "--require-hashes" in rest
            if verb == "RUN" and "npm " in rest:
                assert "npm ci --ignore-scripts" in rest


def test_no_secret_enters_an_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert {".env", "var", ".git"} <= set(ignored)


# ── settings ──────────────────────────────────────────────────────────────────────────────────


def test_every_setting_read_anywhere_is_in_the_example():
    settings = (ROOT / "citymgmt/settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z0-9_]+)"', settings))
    assert len(read) > 30
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read |= set(re.findall(r"\$\{([A-Z_]+)", compose))
    read |= set(re.findall(r"\$\{([A-Z_]+):-", PROCFILE))
    assert read - NAMED - {"TEST_DB_SUFFIX"} == set()  # which only tests set


def test_the_example_names_nothing_that_is_not_read():
    places = ["citymgmt/settings.py", "docker-compose.yml", "Procfile", "Dockerfile"]
    places += [f"scripts/{name}" for name in ("run", "services", "nginx_config", "healthy")]
    text = "\n".join((ROOT / place).read_text(encoding="utf-8") for place in places)
    assert {name for name in NAMED if name not in text} == set()


def test_operations_tell_of_every_program_and_script():
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    for name in PROGRAMS | {"migrate", "scripts/backup", "scripts/restore", "docker-compose.yml"}:
        assert name in page, name


# ── nginx ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that the city signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "city.example")])
    since = datetime(2026, 1, 1, tzinfo=UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, since, since + LONG)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    paths[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def nginx_config(run: Path, **environment: str) -> str:
    """Return the configuration that the script writes and nginx accepts."""
    folders = {"RUN": str(run), "STATIC_ROOT": "/srv/static", "MEDIA_ROOT": "/srv/media"}
    done = subprocess.run(
        [ROOT / "scripts/nginx_config"],
        env={**folders, "X_ACCEL_PREFIX": "/.media/", "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (run / "nginx.conf").read_text(encoding="utf-8")


def test_nginx_accepts_its_configuration_with_and_without_tls(tmp_path, certificate):
    plain = nginx_config(tmp_path, LISTEN="127.0.0.1:8099", FORWARDED_PROTO="https")
    assert "listen 127.0.0.1:8099;" in plain
    assert "X-Forwarded-Proto https;" in plain
    own = nginx_config(
        tmp_path,
        LISTEN="127.0.0.1:8443",
        TLS_CERTIFICATE=str(certificate[0]),
        TLS_KEY=str(certificate[1]),
    )
    assert "listen 127.0.0.1:8443 ssl;" in own
    assert "X-Forwarded-Proto $scheme;" in own
    assert set(re.findall(r"@[A-Z_]+@", own)) == {"@NAMES@"}  # in the comment at its top


@pytest.fixture
def front(tmp_path: Path) -> Iterator[str]:
    """Run nginx with nothing behind it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = free.getsockname()
    listen = "{}:{}".format(*place)
    nginx_config(tmp_path, LISTEN=listen)
    arguments = ["/usr/sbin/nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    with (tmp_path / "log").open("w") as log:
        nginx = subprocess.Popen(arguments, stderr=log)
    with socket.socket() as there:
        while there.connect_ex(place):
            assert nginx.poll() is None
    yield f"http://{listen}"
    nginx.terminate()
    nginx.wait(10)


@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "The service is starting."), ("zh-CN", "服务正在启动")]
)
def test_while_nothing_answers_nginx_says_so_and_when_to_ask_again(front, language, sentence):
    page, api = (refused(front + path, language) for path in ("/inbox/", "/api/v1/cases/"))
    for answer, text in (page, api):
        assert answer.code == 503
        assert answer.headers["Retry-After"] == "3"
        assert sentence in text
    assert 'http-equiv="refresh"' in page[1], "it opens by itself"
    assert json.loads(api[1])["code"] == "unavailable"


def test_pages_whose_sockets_are_away_do_not_fill_the_log(front, tmp_path):
    assert refused(f"{front}/ws/live/", "en")[0].code == 503
    assert refused(f"{front}/inbox/", "en")[0].code == 503
    told = (tmp_path / "log").read_text(encoding="utf-8")
    assert "ws.sock" not in told
    assert "web.sock" in told, "a program that is not there at all is told"


def test_what_is_too_large_is_refused_before_the_program(front):
    answer, text = refused(f"{front}/photos/", "en", b"x" * (25 * 2**20 + 1))
    assert answer.code == 413
    assert "The upload is too large." in text
    styles = re.findall(r'href="/(static/[^"]+)"', text)
    assert styles
    assert [path for path in styles if not (ROOT / path).exists()] == []


def refused(
    url: str, language: str, body: bytes | None = None
) -> tuple[urllib.error.HTTPError, str]:
    """Return an answer that is a refusal, and its text."""
    request = urllib.request.Request(url, body, {"Accept-Language": language})
    with pytest.raises(urllib.error.HTTPError) as told:
        urllib.request.urlopen(request, timeout=10)
    return told.value, told.value.read().decode()
