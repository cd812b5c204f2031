"""Logged-in browsers without a screen, one a person."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from tests.cast import Cast, Story, browser_of


@pytest.fixture
def page_of(cast: Cast) -> Callable[[str], Client]:
    """Return the client of a person of the cast, speaking English."""
    return lambda name: browser_of(cast.people[name])


@pytest.fixture
def send(page_of) -> Callable:
    """Send an action's form as a person, as the page would: version, key and fields."""

    def post(name: str, story: Story, action: str, *, version=None, key=None, htmx=False, **fields):
        story.case.refresh_from_db()
        data = {
            "version": story.case.version if version is None else version,
            "key": key or str(uuid4()),
            **fields,
        }
        headers = {"HX-Request": "true"} if htmx else {}
        address = f"/cases/{story.case.number}/actions/{action}/"
        return page_of(name).post(address, data, headers=headers)

    return post
