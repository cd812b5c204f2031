"""The roof: it imports everything, nothing imports it. The Celery app is loaded for `shared_task`."""

from citymgmt.celery import app as celery_app

__all__ = ["celery_app"]
