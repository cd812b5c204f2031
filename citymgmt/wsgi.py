"""Pages and API, under WSGI workers."""

import os
import sys

from django.core.wsgi import get_wsgi_application

# A thread that comes back from the database waits a millisecond at most for Python's lock, not
# five: who holds a lock of the database meanwhile lets go of it sooner.
sys.setswitchinterval(0.001)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citymgmt.settings")
application = get_wsgi_application()
