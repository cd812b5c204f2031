"""The trades a lead department may have: what ties a type of the catalogue to organisations.

``CaseType.lead_department_kind`` names one of these; ``Organisation.department_kind`` says which
bodies do that trade. Which type belongs to which trade is data (fixtures/catalogue/types.csv).
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DepartmentKind(models.TextChoices):
    """Trades, by stable code."""

    SANITATION = "sanitation", _("Sanitation")
    MUNICIPAL = "municipal", _("Municipal works")
    DRAINAGE = "drainage", _("Drainage")
    RIVER = "river", _("Rivers")
    GARDENS = "gardens", _("Parks and gardens")
    ENFORCEMENT = "enforcement", _("Urban management enforcement")
    LIGHTING = "lighting", _("Street lighting")
    WATER = "water", _("Water supply")
    POWER = "power", _("Power supply")
    GAS = "gas", _("Gas supply")
    HEATING = "heating", _("Heating")
    PIPELINE = "pipeline", _("Oil and gas pipelines")
    TELECOM = "telecom", _("Telecommunications")
    BROADCASTING = "broadcasting", _("Cable television")
    POST = "post", _("Post")
    BUS = "bus", _("Public transport")
    TRANSPORT = "transport", _("Transport authority")
    PARKING = "parking", _("Parking")
    TRAFFIC_POLICE = "traffic_police", _("Traffic police")
    POLICE = "police", _("Public security")
    FIRE = "fire", _("Fire service")
    SAFETY = "safety", _("Work safety")
    CIVIL_DEFENCE = "civil_defence", _("Civil air defence")
    CONSTRUCTION = "construction", _("Construction authority")
    HOUSING = "housing", _("Housing")
    ENVIRONMENT = "environment", _("Environmental protection")
    METEOROLOGY = "meteorology", _("Meteorology")
    MARKET = "market", _("Market supervision")
    CULTURE = "culture", _("Cultural enforcement")
    HEALTH = "health", _("Public health")
    SPORTS = "sports", _("Sports")
    CIVIL_AFFAIRS = "civil_affairs", _("Civil affairs")
    TOURISM = "tourism", _("Scenic areas")
    TERRITORY = "territory", _("Street office of the place")
