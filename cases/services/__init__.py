"""The doors of the case: ``case_report`` and ``case_act`` are the only code that changes a case."""

from cases.services.act import case_act
from cases.services.photos import photo_store
from cases.services.report import case_report

__all__ = ["case_act", "case_report", "photo_store"]
