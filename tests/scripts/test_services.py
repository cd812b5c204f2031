"""The private PostgreSQL and Redis of a checkout start whatever state the last run left behind."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
REPLACED = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "PGHOST")


class Checkout:
    """A folder with the scripts and a `var/` of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "scripts").mkdir(parents=True)
        for name in ("lib.sh", "services"):
            shutil.copy(SCRIPTS / name, root / "scripts" / name)

    def services(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if key not in REPLACED}
        return subprocess.run(
            [self.root / "scripts" / "services", *arguments],
            env=kept | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self) -> None:
        done = self.services("start")
        assert done.returncode == 0, done.stderr

    def ask(self, query: str) -> str:
        return self.services("psql", "-tAc", query).stdout.strip()

    def host(self) -> str:
        """Where the server's socket is."""
        return self.ask("SHOW unix_socket_directories")

    def data(self, *where: str) -> Path:
        """Where the cluster is: under `var/`, or beside it where the postgres user cannot enter."""
        told = self.services(*where, "status").stdout
        return Path(told.split(" in ")[1].split("\n")[0])


@pytest.fixture(scope="module")
def module_checkout(tmp_path_factory) -> Iterator[Checkout]:
    yield from running(tmp_path_factory.mktemp("city"))


@pytest.fixture
def checkout(module_checkout) -> Checkout:
    """A checkout whose services run; one cluster serves all tests."""
    module_checkout.start()
    return module_checkout


def running(root: Path) -> Iterator[Checkout]:
    checkout = Checkout(root)
    checkout.start()
    base = checkout.data().parent
    yield checkout
    checkout.services("reset")
    shutil.rmtree(base, ignore_errors=True)


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split()[0])


def kill_hard(checkout: Checkout) -> Path:
    """Kill the server and all its children as a power cut would; return its data folder."""
    data = checkout.data()
    os.kill(postmaster(data), signal.SIGKILL)
    return data


def test_it_starts_with_both_roles_and_what_the_city_needs(checkout):
    assert "PostgreSQL: runs" in checkout.services("status").stdout
    roles = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname ~ 'city'"
    assert checkout.ask(roles) == "citymgmt_app citymgmt_owner"
    extensions = (
        "SELECT count(*) FROM pg_extension WHERE extname IN ('postgis','btree_gist','pg_trgm')"
    )
    assert checkout.ask(extensions) == "3"


def test_starting_twice_changes_nothing(checkout):
    process = postmaster(checkout.data())
    checkout.start()
    assert postmaster(checkout.data()) == process


def test_secrets_are_made_once_and_nobody_else_reads_them(checkout):
    before = checkout.services("env").stdout
    secrets = checkout.root / "var" / "secrets.env"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert checkout.services("env").stdout == before
    assert "HISTORY_SIGNING_KEY=" in before


def test_what_is_set_already_wins(checkout):
    printed = checkout.services("env", REDIS_URL="redis://elsewhere:6379/1").stdout
    assert "export REDIS_URL=redis://elsewhere:6379/1" in printed


def test_it_starts_again_after_a_kill_and_keeps_the_data(checkout):
    checkout.ask("CREATE TABLE kept AS SELECT 7 AS seven")
    kill_hard(checkout)
    checkout.start()
    assert checkout.ask("SELECT seven FROM kept") == "7"


def test_a_stale_pid_file_that_names_a_living_program_is_no_obstacle(checkout):
    data = checkout.data()
    checkout.services("stop")
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")
    checkout.start()
    assert checkout.ask("SELECT 1") == "1"


def test_stopping_leaves_nothing_running(checkout):
    process = postmaster(checkout.data())
    checkout.services("stop")
    status = checkout.services("status")
    assert status.returncode == 3
    assert status.stdout == "PostgreSQL: down\nRedis: down\n"
    assert not Path(f"/proc/{process}/cwd").exists()


def test_what_an_interrupted_first_start_left_is_cleared_away(checkout):
    data = checkout.data()
    checkout.services("reset")
    half = data.with_name("pgdata.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("15")
    shutil.chown(half, data.parent.owner())
    checkout.start()
    assert not half.exists()


def test_tests_have_servers_of_their_own_where_memory_has_room(checkout):
    usual, free = checkout.data(), shutil.disk_usage("/dev/shm").free
    assert checkout.services("in-memory", "start").returncode == 0
    data = checkout.data("in-memory")
    assert data.is_relative_to("/dev/shm") == (free >= 3 << 30)
    assert data.is_relative_to("/dev/shm") or data == usual
    assert "PostgreSQL: runs" in checkout.services("status").stdout
    checkout.services("in-memory", "stop")
    assert data == usual or not data.parent.exists()


def test_a_cluster_that_is_not_whole_is_explained(checkout):
    data = checkout.data()
    checkout.services("stop")
    version = (data / "PG_VERSION").rename(data / "moved")
    refused = checkout.services("start")
    version.rename(data / "PG_VERSION")
    assert refused.returncode == 1
    assert "is not a whole database cluster" in refused.stderr


def test_two_starts_at_once_make_one_cluster(checkout):
    checkout.services("reset")
    command = [checkout.root / "scripts" / "services", "start"]
    kept = {key: value for key, value in os.environ.items() if key not in REPLACED}
    starts = [subprocess.Popen(command, env=kept, stderr=subprocess.PIPE) for _ in range(2)]
    assert [start.wait(timeout=120) for start in starts] == [0, 0]
    assert checkout.ask("SELECT 1") == "1"


def test_a_path_too_long_for_a_socket_still_works(tmp_path):
    for checkout in running(tmp_path / ("long-" * 20) / "city"):
        assert checkout.ask("SELECT 1") == "1"


def test_a_database_elsewhere_is_left_alone(tmp_path):
    checkout = Checkout(tmp_path / "city")
    elsewhere = {"DATABASE_URL": "postgis://a@b/c", "REDIS_URL": "redis://d:6379/0"}
    assert checkout.services("start", **elsewhere).returncode == 0
    assert checkout.services("status").returncode == 3


def test_a_new_server_gets_two_roles_of_which_the_running_programs_owns_nothing(checkout):
    made = subprocess.run(
        [SCRIPTS.parent / "docker" / "roles.sh"],
        env={
            "PATH": os.environ["PATH"],
            "PGHOST": checkout.host(),
            "POSTGRES_USER": "postgres",
            "DATABASE": "another_city",
            "APP_ROLE": "another_app",
            "APP_PASSWORD": "it's a password",
            "OWNER_ROLE": "another_owner",
            "OWNER_PASSWORD": "another one",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    of_it = "FROM pg_database WHERE datname = 'another_city'"
    assert checkout.ask(f"SELECT pg_get_userbyid(datdba) {of_it}") == "another_owner"
    may = "has_database_privilege('another_app', 'another_city', '{}')"
    for right in ("CREATE", "CONNECT"):  # grant_app_role lets it in
        assert checkout.ask(f"SELECT {may.format(right)}") == "f"
    rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname LIKE"
    assert checkout.ask(f"{rights} 'another_%'") == "f\nf"
