"""Lines: every page hears what its person may see, once, in order, and nothing else."""

from __future__ import annotations

import asyncio
import random

import pytest
from django.db import connection

from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.services import organisation_create, organisation_move, user_set_roles
from cases.models import Case
from cases.publish import hint_case
from cases.workflow import State
from live.hub import door
from live.hub.hub import hub_here
from live.hub.sight import scope_of, seen_by
from tests.cast import ROADS, Story
from tests.live.lines import BACKEND, SESSION, Page, later, numbered_until_now, run

pytestmark = pytest.mark.django_db(transaction=True)


def test_each_hears_what_they_may_see_of_a_case_and_nothing_else(cast):
    story = Story(cast)

    async def scene() -> None:
        everything = await (await Page(cast.acceptor_wang).open()).subscribe()
        colleague = await (await Page(cast.acceptor_wu).open()).subscribe()
        department = await (await Page(cast.clerk_sun).open()).subscribe()
        other_department = await (await Page(cast.clerk_hua).open()).subscribe()
        district = await (await Page(cast.dispatcher_xihu).open()).subscribe()
        other_district = await (await Page(cast.dispatcher_gongshu).open()).subscribe()
        for name, action in ROADS[State.HANDLING]:
            await later(story.act)(action, cast.people[name])
        number = story.case.number
        states = ["accepted", "filed", "dispatched", "handling"]
        for page in (everything, colleague, district):
            await page.hear("case", state="handling", case=number)
            assert page.cases() == [(number, state) for state in states]
        await department.hear("case", state="handling")
        assert department.cases() == [(number, "dispatched"), (number, "handling")]
        for page in (other_department, other_district):
            await page.quiet()
            assert page.cases() == []

    run(scene)


def test_who_loses_a_role_hears_nothing_from_then_on(cast):
    first, second = Story(cast), Story(cast, metres=30)

    async def scene() -> None:
        page = await (await Page(cast.acceptor_wu).open()).subscribe()
        other = await (await Page(cast.acceptor_wang).open()).subscribe()
        await later(first.act)("accept", cast.acceptor_wang)
        await page.hear("case", case=first.case.number)
        await later(user_set_roles)(user=cast.acceptor_wu, roles=[Role.DEPARTMENT_CLERK])
        await page.hear("reload")
        await later(second.act)("accept", cast.acceptor_wang)
        await other.hear("case", case=second.case.number)
        await page.quiet()
        assert page.cases() == [(first.case.number, "accepted")]

    run(scene)


def test_who_is_deactivated_or_logs_out_is_cut_off_at_once(cast):
    async def scene() -> None:
        leaves = await (await Page(cast.acceptor_wu).open()).subscribe()
        stays = await (await Page(cast.acceptor_wu).open()).subscribe()
        await later(leaves.client.logout)()
        assert await leaves.closed() == 4401
        await stays.quiet()
        await later(User.objects.filter(pk=cast.acceptor_wu.pk).update)(is_active=False)
        assert await stays.closed() == 4401

    run(scene)


def test_a_browser_that_does_not_answer_keeps_nobody_else_from_being_cut_off(cast):
    async def gone(_code: int) -> None:
        raise RuntimeError("Unexpected ASGI message 'websocket.close'")

    async def asleep(_code: int) -> None:
        await asyncio.Event().wait()

    async def scene() -> None:
        for close in (gone, asleep):
            await (await Page(cast.acceptor_wu).open()).subscribe()
            lines = hub_here().lines
            lines[list(lines)[-1]] = close
        await later(User.objects.filter(pk=cast.acceptor_wu.pk).update)(is_active=False)
        other = await (await Page(cast.acceptor_wang).open()).subscribe()
        await later(User.objects.filter(pk=cast.acceptor_wang.pk).update)(is_active=False)
        assert await other.closed() == 4401

    run(scene)


def test_rights_decided_while_a_page_asks_for_its_rows_hold_for_the_answer(cast, monkeypatch):
    number = Story(cast).walk_to(State.HANDLING).case.number

    async def scene() -> None:
        page = await (await Page(cast.clerk_sun).open()).subscribe()
        (line,) = hub_here().lines
        await (await Page(cast.clerk_hua).open()).subscribe()
        after = list(hub_here().lines)[-1].entrance
        seen = door.numbers_seen

        def decided_meanwhile(entrance: door.Entrance, numbers: list[str]) -> set[str]:
            found = seen(entrance, numbers)
            line.entrance = after
            return found

        monkeypatch.setattr(door, "numbers_seen", decided_meanwhile)
        await page.ask(rows=[number])
        assert (await page.hear("gone"))["cases"] == [number]

    run(scene)


def test_of_many_who_come_at_once_each_is_who_they_are(cast):
    async def scene() -> None:
        ended = Page(cast.acceptor_wu)
        await later(ended.client.force_login)(cast.acceptor_wu, backend=BACKEND)
        key = ended.client.cookies[SESSION].value
        await later(ended.client.logout)()
        strangers = [Page(cookies={SESSION: said}) for said in (key, "nobody", "\x01")]
        people = [Page(cast.acceptor_wang), Page(cast.clerk_sun), Page(cast.acceptor_wang)]
        pages = await asyncio.gather(*(page.open() for page in [*people, *strangers, Page()]))
        assert [await page.closed() for page in pages[3:]] == [4401] * 4
        for page in people:
            await page.subscribe()
        await later(Story)(cast)
        for page in (people[0], people[2]):
            await page.hear("case")
        await people[1].quiet()
        assert people[1].cases() == []

    run(scene)


def test_a_department_moved_elsewhere_in_the_tree_is_seen_from_there(cast):
    story = Story(cast).walk_to(State.DISPATCHED)

    async def scene() -> None:
        moved = await (await Page(cast.clerk_sun).open()).subscribe()
        above = await (await Page(cast.clerk_hua).open()).subscribe()
        await later(organisation_move)(
            organisation=cast.bodies["sanitation"], parent=cast.bodies["gardens"]
        )
        await above.hear("reload")
        await moved.hear("subscribed")
        await later(story.act)("instruct", cast.leader_tang)
        for page in (above, moved):
            await page.hear("case", action="instruct")

    run(scene)


def test_who_comes_back_is_told_what_happened_since_and_never_what_is_not_theirs(cast):
    theirs, others = Story(cast).walk_to(State.FILED), Story(cast, metres=30).walk_to(State.FILED)

    async def scene() -> None:
        page = await (await Page(cast.clerk_sun).open()).subscribe()
        await page.leave()
        for action, actor in (("dispatch", cast.dispatcher_li), ("sign", cast.clerk_sun)):
            await later(theirs.act)(action, actor)
        await later(others.act)("instruct", cast.leader_tang)
        known, until = page.position, await later(numbered_until_now)()
        back = await (await page.open()).subscribe(after=known)
        assert back.position == known
        assert (await back.hear("beat"))["upto"] == until, "and that this was all"
        await back.quiet()
        assert {number for number, _state in back.cases()} == {theirs.case.number}
        for nonsense in (None, -1, 10**30, "1", True):
            strange = await (await Page(cast.clerk_sun).open()).subscribe(after=nonsense)
            assert strange.position == until, "it asks the feed"

    run(scene)


def test_a_case_on_the_screen_that_goes_out_of_sight_is_named_once_and_no_other(cast):
    squad = organisation_create(
        city=cast.city, code="east", kind="squad", name="east", parent=cast.bodies["sanitation"]
    )
    user_set_organisation(cast.squad_gao, squad)
    given, other = Story(cast).walk_to(State.HANDLING), Story(cast, metres=40)
    given.act("assign", cast.head_qian, assignee="squad:east")

    async def scene() -> None:
        page = await (await Page(cast.squad_gao).open()).subscribe()
        await page.ask(rows=[given.case.number, other.case.number, "none"])
        assert (await page.hear("gone"))["cases"] == sorted([other.case.number, "none"])
        await later(given.act)("take_back", cast.head_qian)
        await later(other.act)("accept", cast.acceptor_wang)
        assert (await page.hear("gone"))["cases"] == [given.case.number]

    run(scene)


def user_set_organisation(user: User, organisation: Organisation) -> None:
    user.organisation = organisation
    user.save()


def test_who_looks_at_a_case_is_shown_to_the_others_who_do_until_they_leave(cast):
    story = Story(cast)
    number = story.case.number

    async def scene() -> None:
        wang, wu = await Page(cast.acceptor_wang).open(), await Page(cast.acceptor_wu).open()
        stranger = await Page(cast.clerk_hua).open()
        for page in (wang, stranger, wu):
            await page.ask(look=number)
        seen = await wang.hear("looking", people=[chip(cast.acceptor_wu)])
        assert seen["case"] == number
        await wu.hear("looking", people=[chip(cast.acceptor_wang)])
        await wu.leave()
        await wang.hear("looking", people=[])
        await stranger.quiet()
        assert not any(each["type"] == "looking" for each in stranger.heard)

    run(scene)


def chip(user: User) -> dict[str, object]:
    return {"id": user.pk, "name": str(user), "initial": str(user)[:1]}


def test_a_hint_about_a_case_reaches_those_who_have_it_on_their_screen(cast):
    story = Story(cast)
    number = story.case.number

    async def scene() -> None:
        wu, zhao = await Page(cast.acceptor_wu).open(), await Page(cast.supervisor_zhao).open()
        stranger = await Page(cast.clerk_hua).open()
        for page in (wu, stranger):
            await page.ask(rows=[number])
            await page.quiet()
        await later(hint_case)(number, "lock", {"by": "acceptor_wang"})
        hint = await wu.hear("hint")
        assert (hint["case"], hint["kind"], hint["data"]) == (
            number,
            "lock",
            {"by": "acceptor_wang"},
        )
        for page in (zhao, stranger):
            await page.quiet()
            assert not any(each["type"] == "hint" for each in page.heard)

    run(scene)


def test_what_nobody_announced_is_found_by_looking(cast):
    story = Story(cast)

    async def scene() -> None:
        page = await (await Page(cast.acceptor_wang).open()).subscribe()
        await hub_here().listener.stop()
        await later(story.act)("accept", cast.acceptor_wang)
        await page.hear("case", state="accepted")

    run(scene)


def test_a_broken_connection_to_the_database_loses_neither_events_nor_lost_rights(cast):
    story = Story(cast)
    own = connection.connection.info.backend_pid

    async def scene() -> None:
        page = await (await Page(cast.acceptor_wang).open()).subscribe()
        loser = await (await Page(cast.acceptor_wu).open()).subscribe()
        await later(end_connections_but)(own)
        await later(user_set_roles)(user=cast.acceptor_wu, roles=[])
        await later(story.act)("accept", cast.acceptor_wang)
        await page.hear("case", state="accepted")
        await loser.hear("reload")
        await later(story.act)("file", cast.supervisor_zhao)
        await page.hear("case", state="filed")
        await loser.quiet()
        assert (story.case.number, "filed") not in loser.cases()

    run(scene)


def end_connections_but(pid: int) -> None:
    """End the hub's connections, as a restart of the server does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), %s)",
            [pid],
        )


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"rows": [1, null, "a\\u0000"]}',
                                  '{"look": {}}', '{"join": 7, "subscribe": 1}'])  # fmt: skip
def test_what_nobody_understands_is_passed_over(cast, text):
    async def scene() -> None:
        page = await Page(cast.acceptor_wang).open()
        await page.socket.send_input({"type": "websocket.receive", "text": text})
        await page.subscribe()

    run(scene)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_picture_and_what_is_told_since_are_a_fresh_picture(cast, seed):
    chance = random.Random(seed)
    stories = [Story(cast, metres=30 * number) for number in range(4)]
    names = ("acceptor_wang", "clerk_sun", "head_shu", "dispatcher_xihu", "collector_chen")

    async def scene() -> None:
        pages = {name: await Page(cast.people[name]).open() for name in names}
        for page in pages.values():
            await later(page.ask_feed)()
            await page.leave()
        ways = [(story, list(ROADS[State.CLOSED])) for story in stories]
        is_open = dict.fromkeys(names, False)
        for _step in range(20):
            name, (story, way) = chance.choice(names), chance.choice(ways)
            if way:
                actor, action = way.pop(0)
                await later(story.act)(action, cast.people[actor])
            if is_open[name]:  # it loses its line, and whatever is on the way
                await pages[name].leave()
            else:
                page = await (await pages[name].open()).subscribe(after=pages[name].upto)
                if page.position > page.upto:
                    await later(page.ask_feed)()
            is_open[name] = not is_open[name]
        for name, page in pages.items():
            await (page.quiet() if is_open[name] else later(page.ask_feed)())
            rows = Case.objects.visible_to(cast.people[name]).values_list("number", "state")
            assert page.picture() == dict(await later(list)(rows)), name

    run(scene)


@pytest.mark.django_db(transaction=False)
def test_a_scope_sees_of_any_case_what_lists_show_its_people(cast):
    places = enumerate((State.REPORTED, State.DISPATCHED, State.CHECKING, State.SUSPENDED))
    cases = [Story(cast, metres=40 * place).walk_to(state).case for place, state in places]
    scopes = {user: scope_of(user) for user in cast.everybody()}
    seen = seen_by(set(scopes.values()), [case.pk for case in cases])
    for user, scope in scopes.items():
        listed = set(Case.objects.visible_to(user).values_list("pk", flat=True))
        assert seen[scope] == listed, user
    assert scopes[cast.acceptor_wang] == scopes[cast.acceptor_wu], "asked about once"
    assert scopes[cast.collector_chen] != scopes[cast.collector_lin]
