"""Sizes: small in the ordinary tests, full in `make faults`."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def size() -> Callable[[int, int], int]:
    """Return the first size, or the second when the full one is asked for."""
    is_full = os.environ.get("FULL_SIZE") == "1"
    return lambda small, full: full if is_full else small
