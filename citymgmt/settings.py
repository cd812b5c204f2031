"""Settings, in fixed sections, from the environment and `.env` (see `.env.example`).

The defaults are those of production: nothing is on that should be off, no secret has a default.
`make run` and `make test` set what they need through `scripts/services env`.
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import environ
import structlog
from celery.schedules import crontab
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.utils.translation import gettext_lazy as _

from common.logs import SHARED_PROCESSORS, configure_structlog, short_of_absences
from common.outside_map import OutsideMap
from common.wheels import find_geo_libraries

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

# --- Core -----------------------------------------------------------------------------------------

SECRET_KEY = env("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=False)  # the demo city, its log-ins and its movable clock
DEMO_PASSWORD = env("DEMO_PASSWORD", default="citydemo")
HISTORY_SIGNING_KEY = env("HISTORY_SIGNING_KEY")  # base64 of an ed25519 seed of 32 bytes
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "common",
    "accounts",
    "grid",
    "components",
    "cases",
    "dispatch",
    "live",
    "evaluation",
    "desks",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "citymgmt.apps.StaticFilesConfig",
    "django.contrib.gis",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "django_filters",
    "django_htmx",
    "leaflet",
    "channels",
    "accounts.apps.LogInsConfig",
    "csp",
    "pgtrigger",
    "pghistory",
]

MIDDLEWARE = [
    "common.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "common.middleware.AdminContentSecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.language.PersonLanguageMiddleware",
    "accounts.middleware.LogInMiddleware",
    "live.middleware.LivePositionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.middleware.StandingInMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "common.refusals.RefusalMiddleware",
]

ROOT_URLCONF = "citymgmt.urls"
WSGI_APPLICATION = "citymgmt.wsgi.application"
ASGI_APPLICATION = "citymgmt.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------------

# The running program connects as a role that owns no table, migrations and tests as their owner.
DB_ROLE = env("DB_ROLE", default="app")
DATABASE_APP_ROLE = env("DATABASE_APP_ROLE", default="citymgmt_app")
_database = env.db_url("DATABASE_OWNER_URL" if DB_ROLE == "owner" else "DATABASE_URL")
_statement_timeout = "0" if DB_ROLE == "owner" else env("STATEMENT_TIMEOUT", default="15s")
DATABASES = {
    "default": {
        **_database,
        "HOST": unquote(_database["HOST"]),
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            # Many joins are planned nearly as they are written: else a case with its 13 relations
            # takes 80 ms to plan and half a millisecond to read.
            "options": "-c jit=off -c max_parallel_workers_per_gather=0 -c lock_timeout=5s"
            " -c join_collapse_limit=4"
            f" -c statement_timeout={_statement_timeout}",
        },
        "TEST": {"NAME": f"test_{_database['NAME']}{env('TEST_DB_SUFFIX', default='')}"},
    }
}

# What every request asks is planned once a connection. Off behind a pooler that gives each
# transaction another connection, such as PgBouncer's transaction mode.
PREPARED_STATEMENTS = env.bool("PREPARED_STATEMENTS", default=True)

# --- Who logs in ----------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.PersonBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False

# --- Security -------------------------------------------------------------------------------------

HTTPS = env.bool(
    "HTTPS", default=True
)  # False only where the address is plain http, as on a laptop
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^-/"]  # health checks come from inside
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60  # one shift
X_FRAME_OPTIONS = "DENY"
# Without an address maps lie on the city's own base layers, and nothing comes from outside.
OUTSIDE_MAP = (
    OutsideMap(
        url=env("BASE_MAP_URL"),
        labels=env("BASE_MAP_LABELS_URL", default=""),
        datum=env("BASE_MAP_DATUM", default="wgs84"),
        subdomains=env("BASE_MAP_SUBDOMAINS", default=""),
        max_zoom=env.int("BASE_MAP_MAX_ZOOM", default=18),
        attribution=env("BASE_MAP_ATTRIBUTION", default=""),
    )
    if env("BASE_MAP_URL", default="")
    else None
)
_map_origins = OUTSIDE_MAP.origins if OUTSIDE_MAP else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *_map_origins],
        "connect-src": [SELF],
        "style-src": [SELF],
        "style-src-attr": [UNSAFE_INLINE],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- Languages and time ---------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"

# --- Geography ------------------------------------------------------------------------------------

GDAL_LIBRARY_PATH, GEOS_LIBRARY_PATH = find_geo_libraries()
GEO_STORAGE_SRID = 4326
GEO_API_SRID = 4326
GEO_METRIC_SRID = 4549  # CGCS2000, 3-degree Gauss-Krüger zone of 120° E, in metres
GEO_TILE_SRID = 3857
LEAFLET_CONFIG = {
    "DEFAULT_CENTER": (30.25, 120.165),
    "DEFAULT_ZOOM": 12,
    "MIN_ZOOM": 9,
    "MAX_ZOOM": 19,
    "TILES": [],
    "SCALE": "metric",
    "RESET_VIEW": False,
    "ATTRIBUTION_PREFIX": _("© OpenStreetMap contributors · borders are schematic"),
    "NO_GLOBALS": False,
}

# --- The public, and printed pages ----------------------------------------------------------------

# Where the public reaches this site, as on plates; without it no plate is printed.
SITE_URL = env("SITE_URL", default="").rstrip("/")
HOTLINE = env("HOTLINE", default="12345")  # the number on plates; "" where there is none
DOCUMENT_FONTS = ["Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei"]
DOCUMENT_FONT_PATHS = env.list("DOCUMENT_FONT_PATHS", default=[])  # besides the system's

# --- Notifications --------------------------------------------------------------------------------

# E-mail goes out where EMAIL_URL names a server; the demo writes its mails to files.
EMAIL_URL = env("EMAIL_URL", default=f"filemail:///{BASE_DIR / 'var' / 'mail'}" if DEMO else "")
NOTIFICATION_EMAIL = bool(EMAIL_URL)
vars().update(env.email_url_config(EMAIL_URL or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="citymgmt@localhost")
# The class that sends text messages; empty: none are sent. See live/notifications/gateways/.
NOTIFICATION_GATEWAY = env(
    "NOTIFICATION_GATEWAY",
    default="live.notifications.gateways.console.ConsoleGateway" if DEMO else "",
)
NOTIFICATION_GATEWAY_URL = env("NOTIFICATION_GATEWAY_URL", default="")  # of the webhook gateway
NOTIFICATION_GATEWAY_SECRET = env("NOTIFICATION_GATEWAY_SECRET", default="")  # signs what it gets
# Whether the gateway may stand in a private network, and answer without TLS there.
NOTIFICATION_PRIVATE_ADDRESSES = env.bool("NOTIFICATION_PRIVATE_ADDRESSES", default=False)

# --- Files ----------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(BASE_DIR / "var" / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(BASE_DIR / "var" / "media")))
MEDIA_URL = "media/"
ANCHOR_DIR = Path(env("ANCHOR_DIR", default=str(BASE_DIR / "var" / "anchors")))
X_ACCEL_PREFIX = env("X_ACCEL_PREFIX", default="")  # set where nginx sends the photos
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "common.storage.HashedStaticFilesStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o640
CENSUS_MOST_BYTES = env.int("CENSUS_MAX_MB", default=1000) * 1024**2  # of a surveyor's file
CENSUS_MOST_LINES = env.int("CENSUS_MAX_LINES", default=6_000_000)
CENSUS_CONFIRMING_DAYS = env.int("CENSUS_CONFIRMING_DAYS", default=10)  # bodies have so long
CENSUS_KEPT_DAYS = env.int("CENSUS_KEPT_DAYS", default=180)  # rows of surveys that ended
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # without files, which have their own limit

# --- API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.backends.PersonTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["common.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "EXCEPTION_HANDLER": "common.api.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "City management API",
    "DESCRIPTION": "Reports, cases, places and the catalogue of a digital city management centre.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ClockKind": "cases.workflow.ClockKind.choices",
        "ComponentChangeKind": "components.register.models.ComponentChange.Kind",
        "RequestKind": "cases.workflow.REQUEST_KINDS",
        "State": "cases.workflow.STATES",
    },
}

# --- Redis: tasks; nothing in it that cannot be lost ----------------------------------------------

REDIS_URL = env("REDIS_URL")
_redis_socket = REDIS_URL.removeprefix("unix://").split("?")[0]
CELERY_BROKER_URL = (
    f"redis+socket://{_redis_socket}" if REDIS_URL.startswith("unix://") else REDIS_URL
)
# A dead broker is noticed within a second: what could not be sent is found again in the database.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "max_retries": 0,
    "visibility_timeout": 3600,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True  # they are repeatable
# What takes minutes has a worker of its own, so that nothing that takes moments waits behind it.
CELERY_TASK_ROUTES = {
    "cases.recalculate_deadlines": {"queue": "long"},
    "common.heartbeat_long": {"queue": "long"},
    "components.work_survey": {"queue": "long"},
    "components.shrink_surveys": {"queue": "long"},
    "evaluation.check_facts": {"queue": "long"},
    "evaluation.draft_statements": {"queue": "long"},
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "common.heartbeat", "schedule": 5.0, "options": {"expires": 5}},
    "heartbeat-long": {
        "task": "common.heartbeat_long",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sweep": {"task": "desks.sweep", "schedule": 60.0, "options": {"expires": 60}},
    "scan-deadlines": {
        "task": "cases.scan_deadlines",
        "schedule": env.float("DEADLINE_SCAN_SECONDS", default=15.0),
        "options": {"expires": 15},
    },
    "spread-deadline-rules": {
        "task": "cases.spread_deadline_rules",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "resume-recalculations": {
        "task": "cases.resume_recalculations",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "sequence-events": {"task": "live.sequence_events", "schedule": 1.0, "options": {"expires": 1}},
    "read-events": {"task": "live.read_events", "schedule": 2.0, "options": {"expires": 2}},
    "send-deliveries": {
        "task": "live.send_deliveries",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "forget-notifications": {
        "task": "live.forget_notifications",
        "schedule": crontab(hour=3, minute=30),
    },
    "release-overdue-tasks": {
        "task": "cases.release_overdue_tasks",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "forget-holds": {
        "task": "cases.forget_holds",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "fold-counts": {
        "task": "components.fold_counts",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "wake-suspended": {
        "task": "cases.wake_suspended",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "route-cases": {"task": "dispatch.route_cases", "schedule": 5.0, "options": {"expires": 5}},
    "find-repeat-spots": {
        "task": "cases.find_repeat_spots",
        "schedule": 3600.0,
        "options": {"expires": 3600},
    },
    "resume-register-jobs": {
        "task": "components.resume_jobs",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "forget-exports": {"task": "components.forget_exports", "schedule": crontab(hour=3, minute=40)},
    "take-up-documents": {
        "task": "components.take_up_documents",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "expire-documents": {
        "task": "components.expire_documents",
        "schedule": crontab(hour=3, minute=40),
    },
    "resume-surveys": {
        "task": "components.resume_surveys",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    "shrink-surveys": {"task": "components.shrink_surveys", "schedule": crontab(hour=2, minute=30)},
    "end-confirmations": {"task": "components.end_confirmations", "schedule": 600.0},
    "settle-desks": {
        "task": "dispatch.settle_desks",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "fold-days": {"task": "evaluation.fold_days", "schedule": 60.0, "options": {"expires": 60}},
    "check-facts": {"task": "evaluation.check_facts", "schedule": crontab(hour=1, minute=10)},
    "draft-statements": {
        "task": "evaluation.draft_statements",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "anchor-history": {"task": "cases.anchor_history", "schedule": crontab(hour=0, minute=10)},
    "forget-old-keys": {"task": "accounts.forget_old_keys", "schedule": crontab(hour=3, minute=20)},
}

# --- Monitoring -----------------------------------------------------------------------------------

METRICS_TOKEN = env("METRICS_TOKEN", default="")  # who sends it reads /-/metrics; empty: nobody

# --- Logs: one JSON line each ---------------------------------------------------------------------

configure_structlog()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                short_of_absences,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            "foreign_pre_chain": SHARED_PROCESSORS,
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL", "propagate": True},
        "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
    },
}
