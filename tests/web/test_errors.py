"""Error pages: in words, without a login or a database."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import override


@pytest.mark.parametrize("status", ["400", "403", "403_csrf", "404", "409", "413", "429", "500"])
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
