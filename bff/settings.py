"""All settings, read once from the environment.

Missing and invalid values stop the program at start, with a list of all of them (bff/environment.py). .env.example
documents each name with its unit and default. Any value may come from a file: `SECRET_KEY_FILE=/run/secrets/key`.
"""

from __future__ import annotations

from pathlib import Path

import csp.constants

from bff import addresses, database_urls, machine, redis_caches, redis_urls
from bff.dev.services import ai_service_address, database_address, development_secret, redis_address
from bff.environment import Environment
from observability import logs, prometheus_multiproc
from observability.url_redaction import without_secrets

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment.load(BASE_DIR / ".env")

# --- The process ------------------------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.secret(
    "SECRET_KEY",
    development_secret() if DEBUG else None,
    min_length=0 if DEBUG else 32,
    # Not $(…): nothing would run it in .env, and the key that signs would be this public text.
    example='… – what this prints: python3 -c "import secrets; print(secrets.token_urlsafe(50))"',
)
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS", min_length=0 if DEBUG else 32)
ALLOWED_HOSTS = env.items(
    "ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"], addresses.host_name, example="chat.example.org"
)
STATIC_ROOT = env.path("STATIC_ROOT", BASE_DIR / "var" / "static")
PORT = env.integer("PORT", 8000, at_least=1, at_most=65535)

# --- PostgreSQL (Supabase), else a SQLite file ------------------------------------------------------------------------
DATABASE = env.parse(
    "DATABASE_URL",
    database_urls.parse(database_address()),
    database_urls.parse,
    example=database_urls.EXAMPLE,
    show=database_urls.shown,
)
DATABASE_POOL_SIZE = env.integer("DATABASE_POOL_SIZE", 10, at_least=1)

# --- Redis: the breaker has an address of its own, and so a connection pool of its own --------------------------------
REDIS_URL = env.parse(
    "REDIS_URL",
    redis_address(PORT),
    redis_urls.normalized,
    example=redis_urls.EXAMPLE,
    show=redis_urls.shown,
)
BREAKER_REDIS_URL = env.parse(
    "BREAKER_REDIS_URL",
    redis_urls.with_client_name(REDIS_URL, "breaker"),
    redis_urls.normalized,
    example=redis_urls.EXAMPLE,
    show=redis_urls.shown,
)
REDIS_MAX_CONNECTIONS = env.integer("REDIS_MAX_CONNECTIONS", 4096, at_least=1)
REDIS_TIMEOUT_SECONDS = env.number("REDIS_TIMEOUT_SECONDS", 0.1, above=0)

# --- The AI service ---------------------------------------------------------------------------------------------------
AI_SERVICE_URL = env.parse(
    "AI_SERVICE_URL",
    ai_service_address(PORT),
    addresses.web_address,
    example="https://ai.example.org/v1",
    show=without_secrets,
)
AI_SERVICE_PROTOCOL = env.choice("AI_SERVICE_PROTOCOL", "openai", ["openai", "rag"])
AI_SERVICE_API_KEY = env.secret("AI_SERVICE_API_KEY")
AI_SERVICE_AUTH = env.choice("AI_SERVICE_AUTH", "key", ["key", "caller"])
AI_SERVICE_MODEL = env.text("AI_SERVICE_MODEL", "stand-in")
# A second one, asked when the first can't answer.
AI_SERVICE_FALLBACK_URL = env.parse(
    "AI_SERVICE_FALLBACK_URL", "", addresses.web_address, example="https://ai.example.org/v1", show=without_secrets
)
AI_SERVICE_FALLBACK_PROTOCOL = env.choice("AI_SERVICE_FALLBACK_PROTOCOL", "openai", ["openai", "rag"])
AI_SERVICE_FALLBACK_API_KEY = env.secret("AI_SERVICE_FALLBACK_API_KEY")
AI_SERVICE_FALLBACK_MODEL = env.text("AI_SERVICE_FALLBACK_MODEL", AI_SERVICE_MODEL)
AI_MAX_OUTPUT_TOKENS = env.integer("AI_MAX_OUTPUT_TOKENS", 4000)
AI_CONTEXT_TOKENS = env.integer("AI_CONTEXT_TOKENS", 8000, at_least=1000)
AI_MAX_ATTEMPTS = env.integer("AI_MAX_ATTEMPTS", 3, at_least=1)
AI_MAX_CONCURRENCY = env.integer("AI_MAX_CONCURRENCY", 2000, at_least=1)
AI_POOL_IDLE_SECONDS = env.number("AI_POOL_IDLE_SECONDS", 50.0, above=0)
AI_STALE_SECONDS = env.number("AI_STALE_SECONDS", 5.0)
AI_CONNECT_TIMEOUT = env.number("AI_CONNECT_TIMEOUT", 2.0, above=0)
AI_READ_TIMEOUT_CHAT = env.number("AI_READ_TIMEOUT_CHAT", 30.0, above=0)
AI_READ_TIMEOUT_ANALYZE = env.number("AI_READ_TIMEOUT_ANALYZE", 60.0, above=0)
AI_FIRST_WORDS_SECONDS = env.number("AI_FIRST_WORDS_SECONDS", 12.0, above=0)
AI_SILENCE_SECONDS = env.number("AI_SILENCE_SECONDS", 4.0, above=0)
AI_DEADLINE_CHAT = env.number("AI_DEADLINE_CHAT", 30.0, above=0)
AI_DEADLINE_ANALYZE = env.number("AI_DEADLINE_ANALYZE", 60.0, above=0)

# --- Circuit breaker --------------------------------------------------------------------------------------------------
BREAKER_FAILURE_THRESHOLD = env.integer("BREAKER_FAILURE_THRESHOLD", 5, at_least=1)
BREAKER_WINDOW_SECONDS = env.number("BREAKER_WINDOW_SECONDS", 10.0, above=0)
BREAKER_MIN_CALLS = env.integer("BREAKER_MIN_CALLS", 20, at_least=1)
BREAKER_FAILURE_RATE = env.number("BREAKER_FAILURE_RATE", 0.5, at_most=1)
BREAKER_SLOW_CALL_SECONDS = env.number("BREAKER_SLOW_CALL_SECONDS", 15.0, above=0)
BREAKER_OPEN_SECONDS = env.number("BREAKER_OPEN_SECONDS", 60.0, above=0)
BREAKER_OPEN_MAX_SECONDS = env.number("BREAKER_OPEN_MAX_SECONDS", 300.0, above=0)
BREAKER_PROBES = env.integer("BREAKER_PROBES", 1, at_least=1)
BREAKER_SUCCESS_THRESHOLD = env.integer("BREAKER_SUCCESS_THRESHOLD", 2, at_least=1)

# --- Answers ----------------------------------------------------------------------------------------------------------
CACHE_TTL_ANSWER = env.integer("CACHE_TTL_ANSWER", 24 * 3600, at_least=1)
CACHE_TTL_WARM = env.integer("CACHE_TTL_WARM", 7 * 24 * 3600, at_least=1)
CACHE_TTL_STALE = env.integer("CACHE_TTL_STALE", 7 * 24 * 3600, at_least=1)
FEEDBACK_DOWNS_TO_EVICT = env.integer("FEEDBACK_DOWNS_TO_EVICT", 3, at_least=1)
UNREAD_RUN_TIMEOUT_SECONDS = env.number("UNREAD_RUN_TIMEOUT_SECONDS", 30.0, above=0)
WARM_ON_START = env.flag("WARM_ON_START", False)
HELP_LINES_FILE = env.text("HELP_LINES_FILE", "")
RETENTION_DAYS = env.integer("RETENTION_DAYS", 365, at_least=1)

# --- Documents, and the workers beside them ---------------------------------------------------------------------------
DOCUMENT_MAX_MB = env.integer("DOCUMENT_MAX_MB", 10, at_least=1)
DOCUMENT_MAX_PAGES = env.integer("DOCUMENT_MAX_PAGES", 50, at_least=1)
DOCUMENT_TIMEOUT_SECONDS = env.number("DOCUMENT_TIMEOUT_SECONDS", 10.0, above=0)
DOCUMENT_MEMORY_MB = env.integer("DOCUMENT_MEMORY_MB", 512, at_least=256)
# Hosting platforms set WEB_CONCURRENCY.
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", machine.Capacity().workers(DOCUMENT_MEMORY_MB), at_least=1)
WEB_WORKERS = env.integer("WEB_WORKERS", WEB_CONCURRENCY, at_least=1)
DOCUMENT_MAX_CONCURRENCY = env.integer(
    "DOCUMENT_MAX_CONCURRENCY", machine.Capacity().readers(WEB_WORKERS, DOCUMENT_MEMORY_MB), at_least=1
)

# --- Who publishes: for the pages on privacy, the publisher and accessibility -----------------------------------------
PUBLISHER = {
    "name": env.text("PUBLISHER_NAME"),
    "address": env.text("PUBLISHER_ADDRESS"),
    "email": env.text("PUBLISHER_EMAIL"),
    "director": env.text("PUBLISHER_DIRECTOR"),
    "hosting": env.text("HOSTING_COMPANY"),
    "ai_company": env.text("AI_COMPANY"),
    "accessibility": env.choice("ACCESSIBILITY_STATUS", "none", ["none", "partial", "full"]),
}

# --- Authentication, rate limits, proxies -----------------------------------------------------------------------------
SUPABASE_URL = env.parse("SUPABASE_URL", "", addresses.supabase_project, example="https://project.supabase.co")
SUPABASE_JWT_ISSUER = env.text("SUPABASE_JWT_ISSUER")
SUPABASE_JWT_SECRET = env.secret("SUPABASE_JWT_SECRET", min_length=32)
ALLOW_ANONYMOUS = env.flag("ALLOW_ANONYMOUS", True)
ADMIN_TOTP = env.choice("ADMIN_TOTP", "off", ["off", "optional", "required"])
OPENAI_ALLOW_ANONYMOUS = env.flag("OPENAI_ALLOW_ANONYMOUS", False)
CORS_ALLOWED_ORIGINS = env.items("CORS_ALLOWED_ORIGINS", [], addresses.origin, example="https://app.example.org")
CORS_ALLOW_CREDENTIALS = env.flag("CORS_ALLOW_CREDENTIALS", False)
RATE_LIMIT_CHAT = env.rate("RATE_LIMIT_CHAT", "60/minute")
RATE_LIMIT_DEFAULT = env.rate("RATE_LIMIT_DEFAULT", "300/minute")
PARALLEL_ANSWERS_PER_CALLER = env.integer("PARALLEL_ANSWERS_PER_CALLER", 20)
PARALLEL_ANSWERS_PER_ADDRESS = env.integer("PARALLEL_ANSWERS_PER_ADDRESS", 200)
DAILY_ANSWERS_PER_CALLER = env.integer("DAILY_ANSWERS_PER_CALLER", 300)
DAILY_ANSWERS_PER_ADDRESS = env.integer("DAILY_ANSWERS_PER_ADDRESS", 3000)
DAILY_TOKENS_TOTAL = env.integer("DAILY_TOKENS_TOTAL", 0)
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0)

# --- Operations -------------------------------------------------------------------------------------------------------
BUILD_COMMIT = env.text("BUILD_COMMIT")
DRAIN_SECONDS = env.number("DRAIN_SECONDS", 5.0)
READYZ_DETAILS = env.choice("READYZ_DETAILS", "public", ["public", "operators"])
HEALTH_REQUIRED = env.choices("HEALTH_REQUIRED", ["supabase"], ["supabase", "aiService", "cache"])
LOG_LEVEL = env.choice(
    "LOG_LEVEL",
    "debug" if DEBUG else "info",
    ["debug", "info", "warning", "error", "critical"],
    also={"warn": "warning", "fatal": "critical"},
)
LOG_FORMAT = env.choice("LOG_FORMAT", "json", ["json", "console"])
LOG_FILE = env.file_to_write("LOG_FILE")
PROMETHEUS_MULTIPROC_DIR = env.folder_to_write("PROMETHEUS_MULTIPROC_DIR")
METRICS_TOKEN = env.secret("METRICS_TOKEN")
# Links on the admin's first page.
RUNBOOK_URL = env.parse("RUNBOOK_URL", "", addresses.web_address, example="https://wiki.example.org/chat-bff/runbook")
GRAFANA_URL = env.parse("GRAFANA_URL", "", addresses.web_address, example="https://grafana.example.org/d/chat-bff")
LOGS_URL = env.parse("LOGS_URL", "", addresses.search_address, example="https://logs.example.org/search?q={id}")

env.stop_if_wrong()
UNSET_ADDRESSES = [name for name in ("AI_SERVICE_URL", "REDIS_URL", "DATABASE_URL") if not env.is_set(name)]
USES_STAND_IN, USES_EMBEDDED_REDIS = "AI_SERVICE_URL" in UNSET_ADDRESSES, "REDIS_URL" in UNSET_ADDRESSES  # `make run`
SETTINGS_IN_FORCE = env.in_force()  # for `manage.py check_settings`
SETTINGS_UNKNOWN, SETTINGS_REPEATED = env.unknown_names(), env.repeated_names()

# --- Django -----------------------------------------------------------------------------------------------------------
ROOT_URLCONF = "bff.urls"
WSGI_APPLICATION = "bff.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "bff.identity.admin_config.StaffAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_prometheus",
    "corsheaders",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "ninja",  # serves the scripts of /api/docs from here instead of a CDN
    "health",
    "chat",
]

# Outermost first. docs/architecture.md explains the order.
MIDDLEWARE = [
    "observability.middleware.CorrelationMiddleware",
    "observability.tracing.TracingMiddleware",
    "observability.middleware.MetricsMiddleware",
    "observability.middleware.AccessLogMiddleware",
    "bff.http.rescue.RescueMiddleware",
    "bff.http.problems.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "bff.http.media_types.MediaTypeMiddleware",
    "bff.identity.middleware.CallerMiddleware",
    "bff.limits_middleware.LimitsMiddleware",
    "bff.identity.csrf.APICSRFMiddleware",
    "bff.http.page_middleware.GZipMiddleware",
    "bff.http.page_middleware.SessionMiddleware",
    "bff.http.page_middleware.LocaleMiddleware",
    "bff.http.page_middleware.CommonMiddleware",
    "bff.http.page_middleware.CsrfViewMiddleware",
    "bff.http.page_middleware.AuthenticationMiddleware",
    "bff.http.page_middleware.MessageMiddleware",
    "bff.http.page_middleware.XFrameOptionsMiddleware",
    "bff.http.page_middleware.CSPMiddleware",
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

DATABASES = {"default": DATABASE}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"]["ENGINE"] = "bff.postgresql"
    # Supabase's pooler may run each transaction on another server connection: no session state may outlive one.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
    DATABASES["default"]["OPTIONS"].update(
        connect_timeout=2,
        tcp_user_timeout=5000,  # milliseconds without an acknowledgement from the server
        prepare_threshold=None,
        # The pool doubles its wait between two attempts to reconnect: bound it, to notice a recovered database soon.
        pool={"min_size": 0, "max_size": DATABASE_POOL_SIZE, "timeout": 1, "reconnect_timeout": 1},
    )
else:
    DATABASES["default"]["ENGINE"] = "django_prometheus.db.backends.sqlite3"
    DATABASES["default"]["OPTIONS"].update(
        timeout=5, transaction_mode="IMMEDIATE", init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    )

CACHES = {
    alias: redis_caches.cache(address, timeout=timeout, max_connections=REDIS_MAX_CONNECTIONS)
    for alias, address, timeout in [
        ("default", REDIS_URL, REDIS_TIMEOUT_SECONDS),
        ("breaker", BREAKER_REDIS_URL, REDIS_TIMEOUT_SECONDS),
        # Reads of a run block until new events arrive: a longer timeout.
        ("runs", redis_urls.with_client_name(REDIS_URL, "runs"), 3.0),
    ]
}

prometheus_multiproc.configure(PROMETHEUS_MULTIPROC_DIR)
LOGGING_CONFIG = None
logs.configure(level=LOG_LEVEL, format=LOG_FORMAT, file=LOG_FILE)
for old_name, new_name in env.renamed:
    logs.get_logger(__name__).warning("Setting was renamed", setting=old_name, replacement=new_name)
for unknown_name, similar_name in SETTINGS_UNKNOWN.items():
    if similar_name:
        logs.get_logger(__name__).warning("Unknown setting", setting=unknown_name, replacement=similar_name)

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "chat" / "locale"]
TIME_ZONE = "Europe/Paris"
USE_TZ = True

STATIC_URL = "static/"
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False  # other sites' pages have no use for the files: a header less in each response
WHITENOISE_USE_FINDERS = DEBUG or not STATIC_ROOT.exists()  # without collectstatic: served uncompressed
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedStaticFilesStorage"  # names without hashes, for JavaScript imports
    },
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "CommonPasswordValidator")
] + [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}}]
PASSWORD_HASHERS = ["bff.identity.password_hasher.PBKDF2PasswordHasher"]
OTP_TOTP_ISSUER = "chat-bff"
SESSION_COOKIE_AGE = 12 * 3600  # from the login, whatever happens meanwhile

# The limit of bodies without their files: DOCUMENT_MAX_MB is that of files.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
FILE_UPLOAD_HANDLERS = ["bff.http.uploads.MemoryOnly"]

# W002 and W003 don't recognise the subclasses in bff.http.page_middleware. W005 and W021: HSTS for a whole domain,
# which nobody can take back for a year, is not for one of its hosts to decide.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W003", "security.W005", "security.W021"]
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
CORS_URLS_REGEX = r"^/(api|v1)/"  # neither pages, the admin's among them, nor metrics
CORS_ALLOW_HEADERS = [
    "authorization",
    "content-type",
    "idempotency-key",
    "last-event-id",
    "x-correlation-id",
    "x-csrftoken",
    "x-request-id",
    # The AI SDK and OpenAI's client.
    "user-agent",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "x-stainless-arch",
    "x-stainless-async",
    "x-stainless-custom-event-handler",
    "x-stainless-custom-poll-interval",
    "x-stainless-helper-method",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-poll-helper",
    "x-stainless-raw-response",
    "x-stainless-read-timeout",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-stream-helper",
    "x-stainless-timeout",
    # Tracing of browsers: OpenTelemetry, Sentry.
    "baggage",
    "sentry-trace",
    "traceparent",
    "tracestate",
]
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
# Browsers take a cookie of such a name only from this host itself, over HTTPS: no other host of the domain can set it.
_COOKIE_PREFIX = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}sessionid", f"{_COOKIE_PREFIX}csrftoken"
VISITOR_COOKIE_NAME = f"{_COOKIE_PREFIX}visitor"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
if not DEBUG:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
