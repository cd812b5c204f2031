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

from accounts.models import User
from accounts.roles import Role
from cases.choices import squads_for
from cases.models import Case
from cases.workflow import Post
from common.errors import DomainError
from desks.demo.cast import Cast
from dispatch.funds.models import ProxyWork
from dispatch.funds.services.charges import work_charge
from dispatch.funds.services.costs import Item, cost_check, cost_enter
from dispatch.funds.services.quotes import quote_accept, quote_offer

Photos = Callable[[], list[int]]
WAITING_PERCENT = 25
LEADERS_FROM_FEN = 500_000  # fixtures/dispatch/proxy_thresholds.csv
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

    def __init__(self, cast: Cast, chance: random.Random) -> None:
        self.cast = cast
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
        clerk = self.cast.clerk_of(work.squad_id)
        desk = self.cast.in_post(Post.DSP, work.case)
        leader = self.cast.one(Role.LEADER)
        if clerk is None or desk is None or leader is None:
            return
        own = work.estimate_fen * self.chance.randrange(82, 104) // 100
        rival = squads_for(work.case).exclude(pk=work.squad_id).order_by("code").first()
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
        quote_accept(
            actor=desk if own < LEADERS_FROM_FEN else leader,
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
        supervisor, clerk = self.cast.one(Role.SHIFT_SUPERVISOR), self.cast.one(Role.INSPECTOR)
        if supervisor is None or clerk is None:
            return
        cost_check(actor=supervisor, work_id=work.pk, now=now)
        work_charge(actor=clerk, work_id=work.pk, now=now)
