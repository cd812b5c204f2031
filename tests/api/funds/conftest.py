"""Funds with money in them, and works told step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import translation

from accounts.models import Organisation, User
from accounts.roles import Role
from accounts.services import organisation_create, user_create
from cases.workflow import State
from common.errors import DomainError
from dispatch.funds.models import Account, Fund, Kind, ProxyThreshold, ProxyWork, Quote
from dispatch.funds.services.books import budget_allocate, budget_enter
from dispatch.funds.services.charges import work_charge
from dispatch.funds.services.costs import Item, cost_check, cost_enter
from dispatch.funds.services.quotes import quote_accept, quote_offer
from grid.models import Area
from tests.cast import NOW, PASSWORD, Cast, Story, photo_of

YEAR = 2026


def refusal(act: Callable[[], Any]) -> DomainError:
    """Act, expect a refusal and return it; what was half done is rolled back."""
    try:
        with transaction.atomic():
            act()
    except DomainError as refused:
        return refused
    raise AssertionError("it went through")


@dataclass
class Funds:
    """The city's fund and the district's, and everybody who has a part in a work."""

    cast: Cast
    city: Fund
    xihu: Fund
    rival: Organisation

    def balance(self, kind: Kind, fund: Fund | None = None) -> int:
        """Return the balance of an account, in fen."""
        return Account.objects.get(fund=fund or self.xihu, kind=kind).balance_fen

    @property
    def figures(self) -> tuple[int, int, int]:
        """Return what is free, committed and paid in the district's fund, in fen."""
        return tuple(map(self.balance, (Kind.FREE, Kind.COMMITTED, Kind.PAID)))

    def give(self, fund: Fund, budget: int, allocated: int, year: int = YEAR) -> None:
        """Enter a budget and allocate a part of it, in fen."""
        leader = self.cast.leader_tang
        budget_enter(
            actor=leader, fund_id=fund.pk, year=year, amount_fen=budget, note="年初预算", now=NOW
        )
        if allocated:
            budget_allocate(
                actor=leader, fund_id=fund.pk, year=year, amount_fen=allocated, note="", now=NOW
            )

    def approved(self, metres: float = 0, **fields: Any) -> ProxyWork:
        """Return the work of a case in handling whose proxy request was approved."""
        story = Story(self.cast, metres=metres).walk_to(State.HANDLING)
        story.act("request_proxy", self.cast.clerk_sun, **fields)
        story.act("approve_proxy", self.cast.leader_tang)
        return ProxyWork.objects.get(case=story.case)

    def quoted(self, amount_fen: int = 280_000, **kwargs: Any) -> ProxyWork:
        """Return a work whose squad's quote was accepted."""
        work = self.approved(**kwargs)
        self.accept(work, self.offer(work, amount_fen))
        return work

    def offer(self, work: ProxyWork, amount_fen: int, by: str = "squad_gao", **kw: Any) -> Quote:
        """Let somebody enter a quote."""
        given = {"bidder": work.squad.code, "note": "", "now": NOW} | kw
        return quote_offer(
            actor=self.cast.people[by],
            case_number=work.case.number,
            amount_fen=amount_fen,
            **given,
        )

    def accept(
        self, work: ProxyWork, quote: Quote, by: str = "dispatcher_li", reason: str = ""
    ) -> None:
        """Let somebody accept a quote."""
        quote_accept(
            actor=self.cast.people[by], quote_id=quote.pk, work_id=work.pk, reason=reason, now=NOW
        )

    def story(self, work: ProxyWork) -> Story:
        """Return the case of a work, to be told on."""
        return Story(self.cast, now=NOW + timedelta(hours=1), case=work.case)

    def completed(self, **kwargs: Any) -> ProxyWork:
        """Return a work the squad has completed."""
        work = self.quoted(**kwargs)
        story = self.story(work)
        story.act("sign", self.cast.squad_gao)
        work.case = story.act("complete", self.cast.squad_gao)
        return work

    def enter(self, work: ProxyWork, price_fen: int = 275_000, by: str = "squad_gao", **kw: Any):
        """Let somebody enter a cost of one item."""
        actor = self.cast.people[by]
        given = {
            "items": [Item("清运", Decimal(1), "车", price_fen)],
            "photo_ids": [photo_of(actor)],
            "note": "",
        } | kw
        return cost_enter(actor=actor, work_id=work.pk, now=NOW, **given)

    def found_good(self, work: ProxyWork) -> None:
        """Let a collector look and find the work good."""
        story = self.story(work)
        story.act("send_check", self.cast.acceptor_wang)
        story.act("check_pass", self.cast.collector_lin)

    def checked(self, price_fen: int = 275_000, **kwargs: Any) -> ProxyWork:
        """Return a work whose cost was checked and that was found good on site."""
        work = self.completed(**kwargs)
        self.enter(work, price_fen)
        cost_check(actor=self.cast.supervisor_zhao, work_id=work.pk, now=NOW)
        self.found_good(work)
        return work

    def charge(self, work: ProxyWork, by: str = "inspector_he") -> ProxyWork:
        """Let somebody charge a work."""
        return work_charge(actor=self.cast.people[by], work_id=work.pk, now=NOW)


def build_funds(cast: Cast) -> Funds:
    """Give a cast two funds, thresholds, a second squad and somebody in it."""
    rival = organisation_create(
        city=cast.city,
        code="rival",
        kind=Organisation.Kind.SQUAD,
        name="rival",
        parent=cast.bodies["hangzhou"],
    )
    user_create(
        username="squad_ning",
        password=PASSWORD,
        city=cast.city,
        organisation=rival,
        display_name="squad_ning",
        roles=[Role.PROXY_SQUAD],
    )
    cast.people["squad_ning"] = User.objects.with_roles().get(username="squad_ning")
    ProxyThreshold.objects.bulk_create(
        ProxyThreshold(city=cast.city, from_fen=start, quote_count=count, accepted_by=who)
        for start, count, who in ((0, 1, "dispatcher"), (500_000, 2, "leader"))
    )
    district = Area.objects.get(code="330106")
    city = Fund.objects.create(city=cast.city, code="city", name="市级代整治资金")
    xihu = Fund.objects.create(
        city=cast.city, code="xihu", name="西湖区代整治资金", district=district
    )
    funds = Funds(cast, city, xihu, rival)
    funds.give(xihu, budget=2_000_000, allocated=1_000_000)
    return funds


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """Read the sentences of refusals in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def funds(cast: Cast) -> Funds:
    """Return the funds of the small city: 10,000.00 free in the district's."""
    return build_funds(cast)
