"""Settings of the tests: the project's, as the owner of the tables, minus what only costs time."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

SERVICES = Path(__file__).resolve().parent.parent / "scripts" / "services"


def use_private_services() -> None:
    """Let a bare `pytest` find the database and Redis that `make test` names to it."""
    printed = subprocess.run([SERVICES, "env"], check=True, capture_output=True, text=True).stdout
    for word in shlex.split(printed):
        key, is_setting, value = word.partition("=")
        if is_setting:
            os.environ.setdefault(key, value)


if "DATABASE_URL" not in os.environ:
    use_private_services()
os.environ["DB_ROLE"] = "owner"
os.environ["HTTPS"] = "False"
os.environ["DEBUG"] = "False"
os.environ.setdefault("LOG_LEVEL", "ERROR")

from citymgmt.settings import *  # noqa: E402, F403
from citymgmt.settings import DATABASES, STORAGES  # noqa: E402

_files = tempfile.TemporaryDirectory(prefix="citymgmt-tests-")  # removed when the tests end

DEMO = False
SITE_URL = "https://city.example"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"
DATABASES["default"]["CONN_MAX_AGE"] = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
MEDIA_ROOT = Path(_files.name) / "media"
ANCHOR_DIR = Path(_files.name) / "anchors"
CELERY_TASK_ALWAYS_EAGER = True
