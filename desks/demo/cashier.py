"""The money of the demo's proxy work, by the same services as the desks': who plays, what it costs.

Follows the steps of a case as they are played; some works are left waiting at every step.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import City, Organisation, User
from accounts.roles import Role
from cases.models import Case
from common.errors import DomainError
from dispatch.funds.models import ProxyWork
from dispatch.funds.services.charges import work_charge
from dispatch.funds.services.costs import Item, cost_check, cost_enter
from dispatch.funds.services.quotes import quote_accept, quote_offer

Photos = Callable[[], list[int]]
WAITING_PERCENT = 25
ITEMS = (  # name, unit, price in fen, quantity at most
    ("人工", "工日", 38_000, 3),
    ("车辆台班", "台班", 65_000, 2),
    ("水泥", "袋", 2_450, 8),
    ("检查井盖", "套", 56_800, 1),
    ("垃圾外运处置", "吨", 18_600, 4),
)
logger = logging.getLogger(__name__)


class Cashier:
    """Quotes, costs, checks and charges in the name of the city's people."""

    def __init__(self, city: City, chance: random.Random) -> None:
        self.city = city
        self.chance = chance

    def follow(
        self, case: Case, action: str, actor: User | None, now: datetime, photos: Photos
    ) -> None:
        """Do what comes after somebody's step in a case, if it is proxy work.

        ``photos`` takes new ones of the actor's, as pictures of invoices.
        """
        steps = {"approve_proxy": self._quote, "complete": self._cost, "check_pass": self._charge}
        step = steps.get(action)
        if step is None or actor is None:
            return
        work = ProxyWork.objects.filter(case=case, state=ProxyWork.State.OPEN).first()
        if work is None or self.chance.randrange(100) < WAITING_PERCENT:
            return
        try:
            with transaction.atomic():
                step(work, actor, now, photos)
        except DomainError as refused:
            logger.info("Proxy work %s waits: %s", work.pk, refused)

    def _quote(self, work: ProxyWork, actor: User, now: datetime, photos: Photos) -> None:
        """Let the squad and a rival say what it would cost; accept the squad's."""
        clerk = self._person(Role.PROXY_SQUAD, organisation_id=work.squad_id)
        desk = self._person(Role.DISPATCHER, organisation_id=work.case.desk_id)
        if clerk is None or desk is None:
            return
        own = work.estimate_fen * self.chance.randrange(82, 104) // 100
        rivals = Organisation.objects.filter(city=self.city, kind=Organisation.Kind.SQUAD)
        rival = rivals.exclude(pk=work.squad_id).order_by("code").first()
        quote = quote_offer(
            actor=clerk,
            case_number=work.case.number,
            bidder=work.squad.code,
            amount_fen=own,
            note="含人工、材料与清运",
            now=now,
        )
        if rival is not None:
            quote_offer(
                actor=desk,
                case_number=work.case.number,
                bidder=rival.code,
                amount_fen=own * self.chance.randrange(95, 125) // 100,
                note="电话报价",
                now=now,
            )
        leader = self._person(Role.LEADER)
        quote_accept(
            actor=desk if own < 500_000 else leader or desk,
            quote_id=quote.pk,
            work_id=work.pk,
            reason="距离近，可立即进场",
            now=now,
        )

    def _cost(self, work: ProxyWork, actor: User, now: datetime, photos: Photos) -> None:
        """Let the squad enter what it spent, not far from the quote."""
        quote = work.quotes.first()
        if quote is None:
            return
        name, unit, price, most = self.chance.choice(ITEMS)
        quantity = self.chance.randrange(1, most + 1)
        rest = max(quote.amount_fen * self.chance.randrange(88, 106) // 100 - quantity * price, 100)
        cost_enter(
            actor=actor,
            work_id=work.pk,
            items=[
                Item(name, Decimal(quantity), unit, price),
                Item("现场处置", Decimal(1), "项", rest),
            ],
            photo_ids=photos(),
            note="",
            now=now,
        )

    def _charge(self, work: ProxyWork, actor: User, now: datetime, photos: Photos) -> None:
        """Let the shift supervisor check and the clerk of the fund pay."""
        supervisor, clerk = self._person(Role.SHIFT_SUPERVISOR), self._person(Role.INSPECTOR)
        if supervisor is None or clerk is None:
            return
        cost_check(actor=supervisor, work_id=work.pk, now=now)
        work_charge(actor=clerk, work_id=work.pk, now=now)

    def _person(self, role: Role, **where: object) -> User | None:
        people = User.objects.with_roles().filter(
            city=self.city, is_active=True, groups__name=role, **where
        )
        return people.order_by("-username").first()
