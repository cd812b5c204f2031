"""The roof: it imports everything, nothing imports it. `shared_task` needs the Celery app here."""

from citymgmt.celery import app as celery_app

__all__ = ["celery_app"]
