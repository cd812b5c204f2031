"""Error pages: in words, without a login or a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override
from rest_framework.authtoken.models import Token


@pytest.mark.parametrize(
    "status", ["400", "403", "403_csrf", "404", "409", "413", "429", "500", "503"]
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_error_page_says_what_to_do(status, language):
    with override(language):
        page = render_to_string(f"{status}.html")
    assert f'lang="{language}"' in page
    assert 'href="/"' in page


def test_an_unknown_address_is_a_page_in_words(cast, page_of):
    answer = page_of("clerk_sun").get("/nowhere/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_a_form_from_elsewhere_is_refused_in_words(cast):
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(cast.clerk_sun, backend="accounts.backends.PersonBackend")
    answer = client.post("/cases/1/actions/sign/", {})
    assert answer.status_code == 403
    assert "open for too long" in answer.text


@pytest.fixture
def go_away(transactional_db, tmp_path) -> Iterator[Callable[[bool], None]]:
    """Let the database be where nobody answers, and come back."""
    usual = connection.settings_dict["HOST"]

    def move(is_away: bool) -> None:
        connection.close()
        connection.settings_dict["HOST"] = str(tmp_path) if is_away else usual

    yield move
    move(is_away=False)


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_everybody_is_told_and_then_goes_on(cast, page_of, go_away):
    sun = page_of("clerk_sun")
    sun.raise_request_exception = False
    token = Token.objects.create(user=cast.clerk_sun).key
    api = {"path": "/api/v1/cases/", "headers": {"authorization": f"Token {token}"}}
    assert [sun.get("/inbox/").status_code, sun.get(**api).status_code] == [200, 200]

    go_away(is_away=True)
    for language, words in (("en", "The service is interrupted"), ("zh-hans", "服务暂时中断")):
        page = sun.get("/inbox/", headers={"accept-language": language})
        assert (page.status_code, page["Retry-After"]) == (503, "5")
        assert words in page.text
        assert "js/retry.js" in page.text, "it opens by itself"
        assert "X-Request-ID" in page
        assert not page.cookies, "nobody is logged out"
    sent = sun.post("/cases/1/actions/sign/", {})
    assert sent.status_code == 503
    assert "send it again" in sent.text
    assert "js/retry.js" not in sent.text, "what was sent is not sent again by itself"
    said = sun.get(**api)
    assert (said.status_code, said["Retry-After"]) == (503, "5")
    assert said.json() == {
        "code": "unavailable",
        "message": "The database cannot be reached right now. Please try again in a moment.",
        "fields": {},
    }
    assert Client().get("/-/live").status_code == 200

    go_away(is_away=False)
    assert [sun.get("/inbox/").status_code, sun.get(**api).status_code] == [200, 200]
