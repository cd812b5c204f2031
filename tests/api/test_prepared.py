"""What is written and planned once answers as the queryset it was made of, for everybody."""

from __future__ import annotations

import psycopg2
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import City, User
from accounts.scopes import PreparedFor
from cases.models import Case
from cases.parts import parts_of
from cases.selectors import case_get_visible
from common.prepared import Prepared, Slot, Statement
from tests.cast import Cast, Story

SEEN = PreparedFor(lambda viewer: Case.objects.visible_to(viewer).filter(number=Slot("number")))


@pytest.fixture
def stories(cast: Cast) -> list[Story]:
    """Cases in several hands."""
    return [Story(cast).walk_to(state) for state in ("reported", "dispatched", "checking")]


@pytest.mark.parametrize("is_prepared", [True, False])
def test_everybody_finds_prepared_what_they_may_see(cast: Cast, stories, settings, is_prepared):
    settings.PREPARED_STATEMENTS = is_prepared
    seen = 0
    for person in cast.everybody():
        somebody = User.objects.with_roles().get(pk=person.pk)
        for story in stories:
            number = story.case.number
            expected = list(Case.objects.visible_to(somebody).filter(number=number))
            assert SEEN(somebody, number=number) == expected, (somebody, story.case.state)
            seen += len(expected)
    assert 0 < seen < len(stories) * len(list(cast.everybody()))


def test_a_prepared_query_brings_related_rows_and_asks_once(cast: Cast, stories):
    number = stories[1].case.number
    with CaptureQueriesContext(connection) as queries:
        case = case_get_visible(user=cast.acceptor_wang, number=number)
        assert case.department == stories[1].case.department
        assert case.type.code == "E0102"
    assert len(queries) == 1


def test_values_never_change_the_query(cast: Cast, stories):
    numbers = Prepared(Case.objects.filter(address=Slot("address")).values_list("number"))
    assert numbers(address="' OR 1=1 --") == []
    assert numbers(address="100%s%%") == []


def test_constants_with_percent_signs_are_kept(cast: Cast, stories):
    story = stories[0]
    Case.objects.filter(pk=story.case.pk).update(address="100% %s 'here'")
    found = Prepared(Case.objects.filter(address="100% %s 'here'", city=Slot("city")))
    assert found(city=story.case.city_id) == [story.case]


def test_a_query_without_values_is_asked_like_any_other(cast: Cast, settings):
    everybody = Prepared(City.objects.order_by("pk").values_list("pk", flat=True))
    for is_prepared in (True, False):
        settings.PREPARED_STATEMENTS = is_prepared
        assert everybody() == [cast.city.pk]


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_is_prepared_anew():
    statement = Statement("one_more", "SELECT %s::int + 1, '100%%'")
    for _connection in range(2):
        with connection.cursor() as cursor:
            statement.execute(cursor, [41])
            assert cursor.fetchone() == (42, "100%")
        connection.close()


def test_what_nobody_can_see_is_empty(cast: Cast, stories):
    nobody = User.objects.create(username="nobody", city=cast.city)
    assert SEEN(User.objects.with_roles().get(pk=nobody.pk), number=stories[0].case.number) == []


def test_parts_are_read_once_until_the_case_is_read_again(cast: Cast, stories):
    case = stories[1].case
    case.refresh_from_db()
    with CaptureQueriesContext(connection) as queries:
        kinds = [clock.kind for clock in parts_of(case).clocks]
        assert [clock.kind for clock in parts_of(case).clocks] == kinds
    assert len(queries) == 1
    stories[1].act("sign", cast.clerk_sun)
    case.refresh_from_db()
    assert len(parts_of(case).clocks) >= len(kinds)


@pytest.mark.django_db(transaction=True)
def test_what_was_prepared_on_a_connection_that_died_is_prepared_anew():
    ask = Prepared(City.objects.filter(code=Slot("code")).values_list("code"))
    assert ask(code="nowhere") == []
    pid = connection.connection.get_backend_pid()
    other = psycopg2.connect(**connection.get_connection_params())
    with other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    connection.health_check_done = False  # as at the beginning of a request
    assert ask(code="nowhere") == []


@pytest.mark.parametrize("many", [0, 1000])
def test_however_it_is_asked_everybody_sees_the_same(cast: Cast, stories, monkeypatch, many):
    monkeypatch.setattr("cases.models.case.MANY", many)
    sights = set()
    for person in cast.everybody():
        somebody = User.objects.with_roles().get(pk=person.pk)
        ways = (
            Case.objects.visible_to(somebody),
            Case.objects.visible_to(somebody, few=True),
            Case.objects.visible_to(somebody, from_case=True),
            Case.objects.newest_visible_to(somebody, is_narrowed=True),
            Case.objects.newest_visible_to(somebody, is_narrowed=False),
        )
        found = {frozenset(rows.values_list("pk", flat=True)) for rows in ways}
        assert len(found) == 1, somebody
        sights |= found
    assert len(sights) > 2
