"""Lines: every page hears what its person may see, once, in order, and nothing else."""

from __future__ import annotations

import pytest

from accounts.roles import Role
from accounts.services import user_set_roles
from cases.workflow import State
from tests.cast import ROADS, Story
from tests.live.lines import Page, later, run

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
