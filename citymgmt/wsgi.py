"""Pages and API, under WSGI workers."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
application = get_wsgi_application()
