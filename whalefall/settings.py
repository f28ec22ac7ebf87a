"""The whole configuration, driven by the environment; `docs/settings.md` lists every variable."""

from __future__ import annotations

import math
import os
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

PRODUCTION = env("WHALEFALL_ENV", default="development") == "production"
HOME = Path(env("WHALEFALL_HOME", default=str(BASE_DIR / "var")))  # SQLite file and development keys


def development_secret(name: str, generate) -> str:
    """A secret for development, made on the first run and kept in HOME, readable by its owner alone."""
    path = HOME / name
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=HOME, prefix=f"{name}.") as written:  # mode 0600
            written.write(generate())
            written.flush()
            # Of processes that start at once, one wins, and the others take its secret: a link appears complete.
            with suppress(FileExistsError):
                os.link(written.name, path)
    return path.read_text().strip()


def secret(variable: str, name: str, generate) -> str:
    """The environment's value; outside production a generated one when it is missing."""
    value = env(variable, default="")
    if value:
        return value
    if PRODUCTION:
        raise ImproperlyConfigured(f"Production needs {variable}; set it in the environment (see docs/settings.md).")
    return development_secret(name, generate)


def new_encryption_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


# --- Core ---------------------------------------------------------------------------------------------------------

SECRET_KEY = secret("WHALEFALL_SECRET_KEY", "secret.key", get_random_secret_key)
# Newest first: the first encrypts, all decrypt (MultiFernet).
ENCRYPTION_KEYS = [
    key.strip()
    for key in secret("WHALEFALL_ENCRYPTION_KEYS", "encryption.key", new_encryption_key).split(",")
    if key.strip()
]
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("SECURE_COOKIES", default=PRODUCTION)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "whalefall.console",
    "instances",
    "sessions_app",
    "accounts_sync",
    "capacity",
    "aggregation",
    "classification",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "whalefall.console.middleware.RequestIdMiddleware",
    "whalefall.console.middleware.RefuseNulMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whalefall.console.metrics.RequestMetrics",
]
ROOT_URLCONF = "whalefall.urls"
WSGI_APPLICATION = "whalefall.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "whalefall" / "console" / "templates"],  # before those of unfold, which they extend
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# --- Language and time --------------------------------------------------------------------------------------------

LANGUAGE_CODE = env("LANGUAGE_CODE", default="en")
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["whalefall.formats"]
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="Asia/Shanghai")

# --- Static files -------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic step and no STATIC_ROOT: assets are served from where they lie

# --- The sync engine (reference: docs/engine.md) ------------------------------------------------------------------

SYNC_CATEGORIES = [
    "accounts_sync.sync.AccountSync",
    "capacity.sync.CapacitySync",
    "aggregation.sync.AggregationSync",
    "classification.sync.ClassificationSync",
]
SYNC_FOLLOW_UPS = {"account": ["classification"]}  # what starts over the same instances when a session has ended
# When sessions start by themselves, as cron in TIME_ZONE: installed once per category that SYNC_CATEGORIES has, and
# edited in the admin from then on.
SYNC_SCHEDULES = {
    "account": "0 1 * * *",
    "classification": "0 2 * * *",
    "capacity": "0 3 * * *",
    "aggregation": "0 4 * * *",
}
SYNC_SCHEDULE_GRACE_SECONDS = env.int("SYNC_SCHEDULE_GRACE_SECONDS", default=3600)
SYNC_JITTER_SECONDS = env.int("SYNC_JITTER_SECONDS", default=60)

SYNC_CONNECT_SECONDS = env.int("SYNC_CONNECT_SECONDS", default=5)
SYNC_STATEMENT_SECONDS = env.int("SYNC_STATEMENT_SECONDS", default=30)
SYNC_FETCH_SECONDS = env.int("SYNC_FETCH_SECONDS", default=300)
SYNC_LEASE_SECONDS = env.int("SYNC_LEASE_SECONDS", default=90)
SYNC_APPLY_SECONDS = env.int("SYNC_APPLY_SECONDS", default=40)
SYNC_TURN_SECONDS = env.int("SYNC_TURN_SECONDS", default=60)
SYNC_INLINE_SECONDS = env.int("SYNC_INLINE_SECONDS", default=20)
SYNC_ATTEMPTS = env.int("SYNC_ATTEMPTS", default=3)
SYNC_BACKOFF_SECONDS = env.int("SYNC_BACKOFF_SECONDS", default=30)
SYNC_BACKOFF_LIMIT_SECONDS = env.int("SYNC_BACKOFF_LIMIT_SECONDS", default=600)
SYNC_BREAKER_FAILURES = env.int("SYNC_BREAKER_FAILURES", default=5)
SYNC_PROBE_SECONDS = env.int("SYNC_PROBE_SECONDS", default=2)
SYNC_THREADS = env.int("SYNC_THREADS", default=16)
SYNC_PER_HOST = env.int("SYNC_PER_HOST", default=2)
SYNC_PER_SESSION = env.int("SYNC_PER_SESSION", default=0)
SYNC_MEMORY_MB = env.int("SYNC_MEMORY_MB", default=512)

# --- Health and retention (docs/operations.md) ---------------------------------------------------------------------

HEALTH_SWEEP_SECONDS = env.int("HEALTH_SWEEP_SECONDS", default=600)
HEALTH_QUEUE_SECONDS = env.int("HEALTH_QUEUE_SECONDS", default=600)
# Functions that yield what Prometheus is told, each in the app that knows.
METRICS = ["instances.metrics.families", "sessions_app.metrics.families", "sessions_app.freshness.families"]
METRICS_ALLOWED = env.list("METRICS_ALLOWED", default=["127.0.0.0/8", "::1"])
METRICS_INSTANCES = env.bool("METRICS_INSTANCES", default=True)

# What is deleted when it is old, in this order; each function is purge(before, *, dry_run, until) -> how many.
RETENTION = {
    "account_changes": "accounts_sync.retention.purge_changes",
    "sizes": "capacity.retention.purge_sizes",
    "aggregations": "aggregation.retention.purge_aggregations",
    "class_statistics": "classification.retention.purge_statistics",
    "sessions": "sessions_app.purging.purge_sessions",
    "queue_results": "sessions_app.purging.purge_queue_results",
    "api_tokens": "whalefall.console.retention.purge_tokens",
}
# After how many days; 0 keeps for ever. What is no number is left for the system check to name.
RETENTION_DAYS = {
    kind: int(days) if days.isascii() and days.isdigit() else days
    for kind, days in {
        "account_changes": env.str("RETENTION_ACCOUNT_CHANGES_DAYS", default="730"),
        "sizes": env.str("RETENTION_SIZES_DAYS", default="1100"),
        "aggregations": env.str("RETENTION_AGGREGATIONS_DAYS", default="3650"),
        "class_statistics": env.str("RETENTION_CLASS_STATISTICS_DAYS", default="1100"),
        "sessions": env.str("RETENTION_SESSIONS_DAYS", default="180"),
        "queue_results": env.str("RETENTION_QUEUE_RESULTS_DAYS", default="7"),
        "api_tokens": env.str("RETENTION_API_TOKENS_DAYS", default="30"),
    }.items()
}
RETENTION_CITED_BY = ["account_changes"]  # relations whose rows keep the session and the record that they lead to
RETENTION_SECONDS = env.int("RETENTION_SECONDS", default=120)

# --- Capacity -----------------------------------------------------------------------------------------------------

# A database that grows by at least both since its last sample is recorded.
CAPACITY_GROWTH_PERCENT = env.float("CAPACITY_GROWTH_PERCENT", default=30)
CAPACITY_GROWTH_GB = env.float("CAPACITY_GROWTH_GB", default=20)

# --- Aggregation (docs/aggregation.md) ----------------------------------------------------------------------------

AGGREGATION_ENABLED = env.bool("AGGREGATION_ENABLED", default=True)
AGGREGATION_LATE_DAYS = env.int("AGGREGATION_LATE_DAYS", default=100)

# --- Our own database ---------------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{HOME / 'whalefall.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    HOME.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # A process that is stopped or cut off inside a transaction must not hold a row lock against sweep and cancel.
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        {
            "application_name": "whalefall",
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,  # ms: keepalives say nothing of a peer that left data unacknowledged
            "options": " ".join(
                f"-c {name}={value}"
                for name, value in {
                    "jit": "off",  # compiling our statements takes longer than running them
                    "lock_timeout": env.int("DATABASE_LOCK_SECONDS", default=10) * 1000,
                    "statement_timeout": env.int("DATABASE_STATEMENT_SECONDS", default=30) * 1000,
                    "idle_in_transaction_session_timeout": SYNC_LEASE_SECONDS * 1000,
                }.items()
            ),
        }
    )

# --- django-q2: carries nudges only -------------------------------------------------------------------------------

Q_WORKERS = env.int("Q_WORKERS", default=2)
Q_TIMEOUT = env.int("Q_TIMEOUT", default=480)
Q_QUEUE_LIMIT = 1  # a lock ages from the moment a task is taken from the broker, so take no stock
REDIS_URL = env("REDIS_URL", default="")
Q_CLUSTER = {
    "name": "whalefall",
    "label": _("Task queue"),
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
    "workers": Q_WORKERS,
    "timeout": Q_TIMEOUT,
    "queue_limit": Q_QUEUE_LIMIT,
    "retry": Q_TIMEOUT * (1 + math.ceil((Q_QUEUE_LIMIT + 1) / Q_WORKERS)) + 30,
    "max_attempts": 1,
    "ack_failures": True,
    "catch_up": False,
    "guard_cycle": 0.5,
    "save_limit": 250,
    "recycle": 500,
}

WORKER_SILENT_SECONDS = env.int("WORKER_SILENT_SECONDS", default=120)
WORKER_STOP_SECONDS = env.int("WORKER_STOP_SECONDS", default=60)

# --- REST API -----------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "whalefall.api.authentication.TokenAuthentication",
        "whalefall.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["whalefall.api.permissions.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": [
        "whalefall.api.envelope.EnvelopeRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["whalefall.api.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "whalefall.api.paging.EnvelopePagination",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "whalefall.api.paging.SortBackend",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "whalefall.api.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_TOKEN_DAYS = env.int("API_TOKEN_DAYS", default=90)
REST_KNOX = {"TOKEN_TTL": timedelta(days=API_TOKEN_DAYS), "AUTH_HEADER_PREFIX": "Token"}
CSRF_FAILURE_VIEW = "whalefall.api.fallbacks.csrf_failure"
SPECTACULAR_SETTINGS = {
    "TITLE": "WhaleFall",
    "DESCRIPTION": "Accounts, permissions and sizes of every database instance, read by sync sessions.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "SessionStatus": "sessions_app.models.SessionStatus",
        "RecordStatus": "sessions_app.models.RecordStatus",
    },
    "PREPROCESSING_HOOKS": ["whalefall.api.schema.only_v1"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "whalefall.api.schema.envelope"],
}

# --- Admin --------------------------------------------------------------------------------------------------------

# Functions that say what the dashboard shows, each in the app that knows; see whalefall/cards.py.
DASHBOARD_CARDS = [
    "instances.dashboard.cards",
    "sessions_app.dashboard.cards",
    "accounts_sync.dashboard.cards",
    "capacity.dashboard.cards",
    "aggregation.dashboard.cards",
    "classification.dashboard.cards",
]
# The same for the page of one session.
SESSION_CARDS = ["accounts_sync.dashboard.session_cards", "capacity.dashboard.session_cards"]
# Functions that say what the page of an instance shows beside its form: (request, instance) -> HTML or None.
INSTANCE_PANELS = ["capacity.panels.instance", "aggregation.panels.instance"]
# The same for the page of an account; and what the list of accounts shows and filters by: (request, accounts) -> {id:
# badges}, and (request) -> filters.
ACCOUNT_PANELS = ["classification.panels.account"]
ACCOUNT_BADGES = ["classification.panels.badges"]
ACCOUNT_FILTERS = ["classification.account_filters.filters"]

UNFOLD = {
    "SITE_TITLE": "WhaleFall",
    "SITE_HEADER": "WhaleFall",
    "SITE_SUBHEADER": _("Accounts and sizes of every database"),
    "SITE_SYMBOL": "water",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("console/favicon.svg")},
    ],
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .013 236.6)",
            "100": "oklch(95.1% .026 236.8)",
            "200": "oklch(90.1% .058 230.9)",
            "300": "oklch(82.8% .111 230.3)",
            "400": "oklch(74.6% .16 232.7)",
            "500": "oklch(68.5% .169 237.3)",
            "600": "oklch(54% .15 243)",
            "700": "oklch(48% .134 243)",
            "800": "oklch(43% .11 241)",
            "900": "oklch(38% .09 241)",
            "950": "oklch(29% .066 243)",
        }
    },
    "SHOW_HISTORY": True,
    "SHOW_LANGUAGES": True,
    "STYLES": [lambda request: static("console/whalefall.css")],
    "DASHBOARD_CALLBACK": "whalefall.console.dashboard.callback",
    "SIDEBAR": {"show_search": True, "navigation": "whalefall.console.navigation.sidebar"},
}

# --- Logs ---------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "whalefall.console.middleware.RequestIdFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {"django-q": {"level": "WARNING"}},  # a line for each nudge tells nobody anything
}
