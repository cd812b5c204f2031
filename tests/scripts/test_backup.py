"""What is kept comes back whole, into a new database and new folders, and proves itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings
from django.db import connection

from cases.services.anchors import history_anchor
from cases.workflow import State
from tests.cast import NOW, Story, photo_of
from tests.databases import database_copy, database_drop
from tests.faults.servers import address_of_database

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(settings.BASE_DIR)


class Place:
    """A database and folders, and the scripts at work on them."""

    def __init__(self, name: str, folder: Path) -> None:
        self.address = f"postgis://{address_of_database(name)}"
        self.media, self.anchors = folder / "media", folder / "anchors"

    def run(self, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
        addresses = {"DATABASE_URL": self.address, "DATABASE_OWNER_URL": self.address}
        folders = {"MEDIA_ROOT": str(self.media), "ANCHOR_DIR": str(self.anchors)}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
        return subprocess.run(
            [ROOT / "scripts" / script, folder],
            env=kept | addresses | folders,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def ask(self, query: str) -> list[tuple]:
        with (
            closing(psycopg2.connect(self.address.replace("postgis:", "postgresql:"))) as line,
            line.cursor() as cursor,
        ):
            cursor.execute(query)
            return cursor.fetchall()


@pytest.fixture
def empty_database() -> Iterator[str]:
    """A database with the extensions and nothing else, as docker/roles.sh makes it."""
    name = f"{connection.settings_dict['NAME']}_restored"
    database_copy("template1", name)
    yield name
    database_drop(name)


def test_a_city_comes_back_from_its_backup(cast, empty_database, tmp_path) -> None:
    old = Place(connection.settings_dict["NAME"], tmp_path / "old")
    new = Place(empty_database, tmp_path / "new")
    story = Story(cast).walk_to(State.HANDLING)
    old.media.mkdir(parents=True)
    photo_of(cast.collector_chen)
    (old.media / "photo.jpg").write_bytes(b"a picture")
    history_anchor(now=NOW, directory=old.anchors)
    connection.close()

    kept = old.run("backup", tmp_path / "kept")
    assert kept.returncode == 0, kept.stderr
    folder = Path(kept.stdout.strip())
    assert folder.parent == tmp_path / "kept"
    assert folder.stat().st_mode & 0o777 == 0o700  # it holds people's names

    back = new.run("restore", folder)
    assert back.returncode == 0, back.stderr
    for table in ("cases_case", "cases_caseevent", "cases_photo", "grid_gridcell", "accounts_user"):
        everything = f"SELECT t::text FROM {table} t ORDER BY id"
        assert new.ask(everything) == old.ask(everything), table
    assert new.ask("SELECT state FROM cases_case") == [(story.case.state,)]
    assert (new.media / "photo.jpg").read_bytes() == b"a picture"
    assert [path.name for path in new.anchors.iterdir()] == [p.name for p in old.anchors.iterdir()]
    refused = "has_table_privilege('citymgmt_app', 'cases_caseevent', 'UPDATE')"
    assert new.ask(f"SELECT {refused}") == [(False,)]

    again = new.run("restore", folder)
    assert again.returncode == 1
    assert "the database is not empty" in again.stderr

    (folder / "media/photo.jpg").write_bytes(b"another picture")
    spoilt = new.run("restore", folder)
    assert spoilt.returncode == 1
    assert "are not what was kept" in spoilt.stderr
