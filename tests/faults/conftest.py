"""Sizes: small in the ordinary tests, full in `make faults`."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

IS_FULL = os.environ.get("FULL_SIZE") == "1"
# What takes long, or needs what only `make faults` installs.
collect_ignore = [] if IS_FULL else ["test_libreoffice.py"]
if not (IS_FULL and "REPLAY_FILE" in os.environ):
    collect_ignore.append("test_whole_file.py")


@pytest.fixture(scope="session")
def size() -> Callable[[int, int], int]:
    """Return the first size, or the second when the full one is asked for."""
    return lambda small, full: full if IS_FULL else small
