"""Everything that can be configured, read once from the environment.

Flat and typed: a missing or wrong value stops the program at start and says which one. Each name, its unit and its
default is explained in .env.example. Secrets may come from files: `SECRET_KEY_FILE=/run/secrets/key`.
"""

from __future__ import annotations

import os
from pathlib import Path

import csp.constants
import dj_database_url
from environs import FileAwareEnv, validate

from bff import redis_addresses
from bff.embedded import (
    ai_service_address,
    database_address,
    development_secret,
    redis_address,
)
from observability import logs, metrics_files

BASE_DIR = Path(__file__).resolve().parent.parent

env = FileAwareEnv(eager=False)  # collect every wrong value, then refuse once, in `env.seal()`
env.read_env(BASE_DIR / ".env", recurse=False)

positive = validate.Range(min=0, min_inclusive=False)
at_least_one = validate.Range(min=1)
share = validate.Range(min=0, max=1)

# --- The process ------------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
SECRET_KEY: str = (
    env.str("SECRET_KEY", development_secret()) if DEBUG else env.str("SECRET_KEY", validate=validate.Length(min=32))
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
STATIC_ROOT: Path = env.path("STATIC_ROOT", BASE_DIR / "var" / "static")
PORT = env.int("PORT", 8000, validate=validate.Range(min=1, max=65535))
WEB_WORKERS = env.int("WEB_WORKERS", os.cpu_count() or 1, validate=at_least_one)

# --- PostgreSQL (Supabase), else a SQLite file ------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", database_address(BASE_DIR))
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 10, validate=at_least_one)

# --- Redis: one address for answers and runs, one for the breaker, so that each has its own pool and timeouts ---------
REDIS_URL = env.str("REDIS_URL", redis_address(PORT), validate=redis_addresses.check)
BREAKER_REDIS_URL = env.str(
    "BREAKER_REDIS_URL", redis_addresses.with_client_name(REDIS_URL, "breaker"), validate=redis_addresses.check
)
REDIS_MAX_CONNECTIONS = env.int("REDIS_MAX_CONNECTIONS", 4096, validate=at_least_one)
REDIS_TIMEOUT_SECONDS = env.float("REDIS_TIMEOUT_SECONDS", 0.1, validate=positive)

# --- The AI service ---------------------------------------------------------------------------------------------------
AI_SERVICE_URL = env.str("AI_SERVICE_URL", ai_service_address(PORT)).rstrip("/")
AI_SERVICE_PROTOCOL = env.str("AI_SERVICE_PROTOCOL", "openai", validate=validate.OneOf(["openai", "rag"]))
AI_SERVICE_API_KEY = env.str("AI_SERVICE_API_KEY", "")
AI_SERVICE_MODEL = env.str("AI_SERVICE_MODEL", "stand-in")
AI_ATTEMPTS = env.int("AI_ATTEMPTS", 3, validate=at_least_one)
AI_MAX_CONCURRENCY = env.int("AI_MAX_CONCURRENCY", 2000, validate=at_least_one)
AI_CONNECT_TIMEOUT = env.float("AI_CONNECT_TIMEOUT", 2.0, validate=positive)
AI_READ_TIMEOUT_CHAT = env.float("AI_READ_TIMEOUT_CHAT", 30.0, validate=positive)
AI_READ_TIMEOUT_ANALYZE = env.float("AI_READ_TIMEOUT_ANALYZE", 60.0, validate=positive)
AI_DEADLINE_CHAT = env.float("AI_DEADLINE_CHAT", 30.0, validate=positive)
AI_DEADLINE_ANALYZE = env.float("AI_DEADLINE_ANALYZE", 60.0, validate=positive)

# --- Circuit breaker --------------------------------------------------------------------------------------------------
BREAKER_WINDOW_SECONDS = env.float("BREAKER_WINDOW_SECONDS", 60.0, validate=positive)
BREAKER_FAILURE_THRESHOLD = env.int("BREAKER_FAILURE_THRESHOLD", 5, validate=at_least_one)
BREAKER_FAILURE_RATE = env.float("BREAKER_FAILURE_RATE", 0.5, validate=share)
BREAKER_SLOW_CALL_SECONDS = env.float("BREAKER_SLOW_CALL_SECONDS", 15.0, validate=positive)
BREAKER_OPEN_SECONDS = env.float("BREAKER_OPEN_SECONDS", 60.0, validate=positive)
BREAKER_OPEN_MAX_SECONDS = env.float("BREAKER_OPEN_MAX_SECONDS", 300.0, validate=positive)
BREAKER_PROBES = env.int("BREAKER_PROBES", 1, validate=at_least_one)
BREAKER_SUCCESS_THRESHOLD = env.int("BREAKER_SUCCESS_THRESHOLD", 2, validate=at_least_one)

# --- Answers ----------------------------------------------------------------------------------------------------------
CACHE_TTL_ANSWER = env.int("CACHE_TTL_ANSWER", 24 * 3600, validate=at_least_one)
CACHE_TTL_WARM = env.int("CACHE_TTL_WARM", 7 * 24 * 3600, validate=at_least_one)
CACHE_TTL_STALE = env.int("CACHE_TTL_STALE", 7 * 24 * 3600, validate=at_least_one)
RUN_GRACE_SECONDS = env.float("RUN_GRACE_SECONDS", 30.0, validate=positive)
HELP_LINES_FILE = env.str("HELP_LINES_FILE", "")
RETENTION_DAYS = env.int("RETENTION_DAYS", 365, validate=at_least_one)

# --- Documents --------------------------------------------------------------------------------------------------------
DOCUMENT_MAX_MB = env.int("DOCUMENT_MAX_MB", 10, validate=at_least_one)
DOCUMENT_MAX_PAGES = env.int("DOCUMENT_MAX_PAGES", 50, validate=at_least_one)
DOCUMENT_SECONDS = env.float("DOCUMENT_SECONDS", 10.0, validate=positive)
DOCUMENT_MEMORY_MB = env.int("DOCUMENT_MEMORY_MB", 512, validate=validate.Range(min=256))
DOCUMENT_MAX_CONCURRENCY = env.int("DOCUMENT_MAX_CONCURRENCY", 2, validate=at_least_one)

# --- Who may call, how often, from where ------------------------------------------------------------------------------
SUPABASE_URL = env.str("SUPABASE_URL", "", validate=validate.Regexp(r"(https?://\S+)?$")).rstrip("/")
SUPABASE_JWT_SECRET = env.str("SUPABASE_JWT_SECRET", "", validate=validate.Regexp(r"(.{32,})?$"))
ALLOW_ANONYMOUS = env.bool("ALLOW_ANONYMOUS", True)
CORS_ALLOWED_ORIGINS: list[str] = env.list("CORS_ALLOWED_ORIGINS", [])
RATE_LIMIT_CHAT = env.str("RATE_LIMIT_CHAT", "60/minute")
RATE_LIMIT_DEFAULT = env.str("RATE_LIMIT_DEFAULT", "300/minute")
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0))

# --- Operations -------------------------------------------------------------------------------------------------------
DRAIN_SECONDS = env.float("DRAIN_SECONDS", 5.0, validate=validate.Range(min=0))
HEALTH_REQUIRED = env.list("HEALTH_REQUIRED", ["supabase"])
LOG_LEVEL = env.str(
    "LOG_LEVEL",
    "debug" if DEBUG else "info",
    validate=validate.OneOf(["debug", "info", "warning", "error", "critical"]),
)
LOG_FORMAT = env.str("LOG_FORMAT", "json", validate=validate.OneOf(["json", "console"]))
LOG_FILE = env.str("LOG_FILE", "")
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", "")
METRICS_TOKEN = env.str("METRICS_TOKEN", "")

env.seal()

# --- Django -----------------------------------------------------------------------------------------------------------
ROOT_URLCONF = "bff.urls"
WSGI_APPLICATION = "bff.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_prometheus",
    "corsheaders",
    "csp",
    "ninja",  # so that /api/docs finds its scripts here and not on somebody else's machine
    "health",
    "chat",
]

# Outermost first, as a request meets them (docs/architecture.md tells why this order).
MIDDLEWARE = [
    "observability.middleware.CorrelationMiddleware",
    "observability.tracing.TracingMiddleware",
    "observability.middleware.MetricsMiddleware",
    "observability.middleware.AccessLogMiddleware",
    "bff.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "bff.bodies.MediaTypeMiddleware",
    "bff.auth.CallerMiddleware",
    "bff.ratelimit.RateLimitMiddleware",
    "bff.pages.GZipMiddleware",
    "bff.pages.SessionMiddleware",
    "bff.pages.LocaleMiddleware",
    "bff.pages.CommonMiddleware",
    "bff.pages.CsrfViewMiddleware",
    "bff.pages.AuthenticationMiddleware",
    "bff.pages.MessageMiddleware",
    "bff.pages.XFrameOptionsMiddleware",
    "bff.pages.CSPMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]

DATABASES = {"default": dj_database_url.parse(DATABASE_URL)}
IS_POSTGRESQL = DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql"
# The same, counting and timing what they do.
DATABASES["default"]["ENGINE"] = DATABASES["default"]["ENGINE"].replace("django.", "django_prometheus.", 1)
if IS_POSTGRESQL:
    # Supabase's pooled address hands each transaction another server connection: nothing may outlive a transaction.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
    # A database that was restarted leaves as many dead connections in the pool as it holds: none is handed out.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        connect_timeout=2,
        tcp_user_timeout=5000,  # milliseconds: a database that vanished is noticed, not waited for
        prepare_threshold=None,
        # Its waits between two tries double: without the bound a database that is back would go unnoticed for long.
        pool={"min_size": 0, "max_size": DATABASE_POOL_SIZE, "timeout": 1, "reconnect_timeout": 1},
    )
else:
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        timeout=5, transaction_mode="IMMEDIATE", init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    )

CACHES = {
    alias: redis_addresses.cache(address, timeout=timeout, max_connections=REDIS_MAX_CONNECTIONS)
    for alias, address, timeout in [
        ("default", REDIS_URL, REDIS_TIMEOUT_SECONDS),
        ("breaker", BREAKER_REDIS_URL, REDIS_TIMEOUT_SECONDS),
        # Reading a run waits for news on purpose.
        ("runs", redis_addresses.with_client_name(REDIS_URL, "runs"), 3.0),
    ]
}

metrics_files.use(PROMETHEUS_MULTIPROC_DIR)
LOGGING_CONFIG = None
logs.configure(level=LOG_LEVEL, format=LOG_FORMAT, file=LOG_FILE)

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "chat" / "locale"]
TIME_ZONE = "Europe/Paris"
USE_TZ = True

STATIC_URL = "static/"
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_USE_FINDERS = DEBUG or not STATIC_ROOT.exists()  # not collected: served from where they lie, uncompressed
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedStaticFilesStorage"  # plain names: our modules import each other by them
    },
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# A chat message or a pasted text is small; a file is larger and goes to a temporary file above 1 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# Both are there, as subclasses for pages only (bff.pages), where these checks don't recognise them.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W003"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [csp.constants.SELF],
        "img-src": [csp.constants.SELF, "data:"],
        "object-src": [csp.constants.NONE],
        "base-uri": [csp.constants.NONE],
        "form-action": [csp.constants.SELF],
        "frame-ancestors": [csp.constants.NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = CORS_ALLOWED_ORIGINS
CORS_ALLOW_HEADERS = ["authorization", "content-type", "last-event-id", "x-correlation-id", "x-csrftoken"]
CORS_EXPOSE_HEADERS = [
    "RateLimit",
    "RateLimit-Policy",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "Server-Timing",
    "X-Cache",
    "X-Correlation-ID",
    "X-Degraded",
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
