"""Settings of the tests: the project's, as the owner of the tables, minus what only costs time."""

import os
import tempfile
from pathlib import Path

os.environ["DB_ROLE"] = "owner"
os.environ["HTTPS"] = "False"
os.environ["DEBUG"] = "False"
os.environ.setdefault("LOG_LEVEL", "ERROR")

from citymgmt.settings import *  # noqa: F403
from citymgmt.settings import DATABASES, STORAGES

DEMO = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"
DATABASES["default"]["CONN_MAX_AGE"] = 0
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
MEDIA_ROOT = tempfile.mkdtemp(prefix="citymgmt-media-")
ANCHOR_DIR = Path(tempfile.mkdtemp(prefix="citymgmt-anchors-"))
CELERY_TASK_ALWAYS_EAGER = True
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
