"""The front door: who may come in, and where each role lands."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.cast import PASSWORD

DESKS = {
    "acceptor_wang": "/acceptance/",
    "supervisor_zhao": "/supervision/",
    "leader_tang": "/supervision/",
    "dispatcher_li": "/dispatch/",
    "dispatcher_xihu": "/dispatch/",
    "clerk_sun": "/inbox/",
    "head_qian": "/inbox/",
    "squad_gao": "/inbox/",
    "collector_chen": "/tasks/",
    "inspector_he": "/cases/",
    "manager_ma": "/cases/",
}
PAGES = {
    "/acceptance/": {"acceptor_wang"},
    "/acceptance/call/": {"acceptor_wang"},
    "/supervision/": {"supervisor_zhao", "leader_tang"},
    "/dispatch/": {"dispatcher_li", "dispatcher_xihu"},
    "/inbox/": {"clerk_sun", "head_qian", "squad_gao"},
    "/tasks/": {"collector_chen"},
    "/tasks/report/": {"collector_chen"},
    "/cases/": set(DESKS),
}


def test_a_stranger_is_sent_to_the_login(db):
    for address in (*PAGES, "/"):
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/?next=")


@pytest.mark.parametrize(
    "headers",
    [{"hx-request": "true"}, {"x-requested-with": "fetch"}, {"accept": "application/json"}],
)
def test_a_script_of_an_open_page_is_told_and_not_given_the_login_as_its_answer(db, headers):
    for method in ("get", "post"):
        answer = getattr(Client(), method)("/supervision/", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == "logged_out"


def test_each_role_lands_on_its_desk(cast):
    for name, desk in DESKS.items():
        client = Client()
        answer = client.post("/login/", {"username": name, "password": PASSWORD}, follow=True)
        assert answer.redirect_chain[-1][0] == desk
        assert answer.status_code == 200


def test_a_wrong_password_is_refused_and_the_name_kept(cast):
    answer = Client().post("/login/", {"username": "clerk_sun", "password": "wrong"})
    assert answer.status_code == 200
    assert 'value="clerk_sun"' in answer.text
    assert 'role="alert"' in answer.text


def test_a_person_without_a_role_is_told_so(page_of):
    answer = page_of("root").get("/")
    assert answer.status_code == 403
    assert "no role yet" in answer.text


@pytest.mark.parametrize("address", PAGES)
def test_a_page_opens_for_its_roles_alone(page_of, address):
    for name in DESKS:
        expected = 200 if name in PAGES[address] else 403
        assert page_of(name).get(address).status_code == expected, (name, address)


def test_the_header_shows_the_desks_of_the_reader(page_of):
    header = page_of("clerk_sun").get("/inbox/").text
    assert 'href="/inbox/" aria-current="page"' in header
    assert 'href="/acceptance/"' not in header


def test_a_header_of_many_desks_folds_the_last_into_a_menu(page_of):
    page = page_of("administrator_bai").get("/funds/").text
    nav = page.partition('<nav class="nav"')[2].partition("</nav>")[0]
    standing, _menu, folded = nav.partition("<details")
    assert standing.count("<a ") == 6
    assert "/admin/" in standing, "where their work begins"
    assert 'href="/funds/" aria-current="page"' in folded
    assert "Proxy work" in folded.partition("</summary>")[0], "the menu says what is open inside"
    nav = page_of("clerk_sun").get("/inbox/").text.partition('<nav class="nav"')[2]
    assert "<details" not in nav.partition("</nav>")[0]


def test_the_language_switch_is_kept(page_of):
    client = page_of("clerk_sun")
    assert '<html lang="en"' in client.get("/inbox/").text
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/inbox/"})
    page = client.get("/inbox/")
    assert '<html lang="zh-hans"' in page.text


def test_the_language_goes_with_the_person_to_another_browser(page_of):
    switch = {"language": "zh-hans", "next": "/inbox/"}
    page_of("clerk_sun").post("/i18n/setlang/", switch)
    elsewhere = page_of("clerk_sun").get("/inbox/")  # a browser that asks for English
    assert '<html lang="zh-hans"' in elsewhere.text
    assert elsewhere["Content-Language"] == "zh-hans"
    assert '<html lang="en"' in page_of("head_qian").get("/inbox/").text


def test_a_language_that_the_city_does_not_speak_is_refused(page_of, cast):
    answer = page_of("clerk_sun").post("/i18n/setlang/", {"language": "tlh"})
    assert answer.status_code == 400
    cast.clerk_sun.refresh_from_db()
    assert cast.clerk_sun.language == ""


def test_a_stranger_may_choose_the_language_of_the_log_in(db):
    client = Client(headers={"accept-language": "en"})
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/login/"})
    assert '<html lang="zh-hans"' in client.get("/login/").text


def test_the_theme_is_remembered(page_of):
    client = page_of("clerk_sun")
    assert 'data-theme="light"' in client.get("/inbox/").text
    client.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in client.get("/inbox/").text


def test_logging_out_ends_the_session(page_of):
    client = page_of("clerk_sun")
    client.post("/logout/")
    assert client.get("/inbox/").status_code == 302
