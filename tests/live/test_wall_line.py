"""The wall over its line: the snapshot of its scope, and the end of a revoked key at once."""

from __future__ import annotations

import pytest

from cases.workflow import State
from desks.models import Wall
from desks.wall.access import COOKIE
from desks.wall.services import kiosk_key_make, kiosk_key_revoke
from grid.models import Area
from tests.cast import NOW, Story, browser_of
from tests.live.lines import Page, later, run

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_screen_follows_its_district_until_its_key_is_revoked(cast):
    case = Story(cast).walk_to(State.HANDLING).case
    district = Area.objects.get(code="330106")
    wall = Wall.objects.create(city=cast.city, code="xihu", name="西湖区", district=district)
    row, key = kiosk_key_make(wall=wall, label="", actor=cast.administrator_bai, now=NOW)

    async def scene() -> None:
        screen = await Page(cookies={COOKIE: key}).open()
        for beyond in ("wall:city", "wall:330105", "wall", "wall:"):
            await screen.ask(join=beyond)
            await screen.hear("refused", broadcast=beyond)
        await screen.ask(join="wall:330106")
        state = (await screen.hear("state", broadcast="wall:330106"))["state"]
        assert state["scope"] == "330106"
        assert state[f"cell:{case.cell_id}"][1] == 1
        await later(kiosk_key_revoke)(key_id=row.pk, actor=cast.administrator_bai, now=NOW)
        assert await screen.closed() == 4401

    run(scene)


def test_a_wall_that_is_taken_down_is_dark_at_once(cast):
    wall = Wall.objects.create(city=cast.city, code="hall", name="大厅")
    _row, key = kiosk_key_make(wall=wall, label="", actor=cast.administrator_bai, now=NOW)
    form = {"name": "大厅", "language": "zh-hans", "scene_seconds": 20}  # no longer active
    admin = browser_of(cast.administrator_bai)

    async def scene() -> None:
        screen = await Page(cookies={COOKIE: key}).open()
        await screen.ask(join="wall:city")
        await screen.hear("state", broadcast="wall:city")
        saved = await later(admin.post)(f"/admin/desks/wall/{wall.pk}/change/", form)
        assert saved.status_code == 302
        assert await screen.closed() == 4401

    run(scene)


def test_people_follow_the_city_who_see_every_case_of_it(cast):
    async def scene() -> None:
        clerk = await Page(cast.clerk_sun).open()
        await clerk.ask(join="wall:city")
        await clerk.hear("refused", broadcast="wall:city")
        leader = await Page(cast.leader_tang).open()
        await leader.ask(join="wall:city")
        assert (await leader.hear("state"))["state"]["scope"] == "city"

    run(scene)
