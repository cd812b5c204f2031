"""The words of routing rules: how a rule finds its lead, and what its conditions may say."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LeadBy(models.TextChoices):
    """How a rule finds the body that leads."""

    ORGANISATION = "organisation", _("the organisation named below")
    MAINTAINER = "maintainer", _("whoever maintains the component")
    OWNER = "owner", _("whoever owns the component")
    COMPETENT = "competent", _("the component's competent body")
    TERRITORY = "territory", _("the body of the trade that answers for the place")
    NOBODY = "nobody", _("nobody: responsibility is unclear, a dispatcher decides")


class Level(models.TextChoices):
    """The ground a body answers for, the smallest first: the smaller, the nearer."""

    CELLS = "cells", _("the cells")
    COMMUNITY = "community", _("the community")
    STREET = "street", _("the street")
    MANAGEMENT_AREA = "management_area", _("the management area")
    DISTRICT = "district", _("the district")
    CITY = "city", _("the whole city")


class DayKind(models.TextChoices):
    """Days by the city's default calendar, statutory holidays and make-up days included."""

    WORKING = "working", _("working days")
    REST = "rest", _("days of rest")


class Bodies(models.TextChoices):
    """Which bodies the register must name for the component."""

    MAINTAINER = "maintainer", _("has a maintainer")
    OWNER = "owner", _("has an owner")
    NEITHER = "neither", _("has neither")
