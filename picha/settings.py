"""Django's settings for the site.

Whatever differs between two installations is read from environment variables; the README lists
them. The site runs with none of them set.
"""

import os
from pathlib import Path

from celery.schedules import crontab

from feedback.conf import PREFIX as FEEDBACK_PREFIX
from feedback.conf import Conf as FeedbackConf
from picha.databases import default_database, sqlite_files
from picha.environment import Environment
from picha.http.origins import allowed_origins, default_hosts, is_loopback
from picha.http.security_policy import content_security_policy
from picha.logs import logging_settings
from picha.paths import broker_url, socket_url, valkey_socket
from picha.private_files import CannotBePrivate, close_files, create_private_files
from picha.secret_files import secret_key
from realtime.conf import PREFIX as REALTIME_PREFIX
from realtime.conf import Conf as RealtimeConf

BASE_DIR = Path(__file__).resolve().parent.parent

create_private_files()
env = Environment(os.environ)

# --- This installation

DEBUG = env.boolean("DEBUG", default=True)
PORT = env.integer("PORT", default=8000, minimum=1, maximum=65532)
VAR_DIR = env.directory("VAR_DIR", default=BASE_DIR / "var")
SITE_URL = env.origin("SITE_URL", default=f"http://127.0.0.1:{PORT}")

SECRET_KEY = env.text("SECRET_KEY", default="")
if not SECRET_KEY and DEBUG:
    try:
        SECRET_KEY = secret_key(VAR_DIR)
    except OSError as error:
        env.add_problem(
            f"The folder {VAR_DIR} cannot be written ({error.strerror}): "
            "make it writable, or set VAR_DIR to another folder."
        )
elif not SECRET_KEY:
    env.add_problem("SECRET_KEY is not set: with DEBUG off, set it to a long random text.")

ALLOWED_HOSTS = env.strings("ALLOWED_HOSTS", default=default_hosts(SITE_URL))
CSRF_TRUSTED_ORIGINS = [SITE_URL, *env.origins("CSRF_TRUSTED_ORIGINS", default=[])]
ALLOWED_ORIGINS = allowed_origins(SITE_URL, CSRF_TRUSTED_ORIGINS)

# --- Apps, middleware, templates

INSTALLED_APPS = [
    "daphne",  # before staticfiles: its runserver serves WebSockets
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_celery_beat",
    "picha",
    "feedback",
    "photos",
    "realtime",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "picha.http.staticfiles.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "picha.http.private_pages.private_pages",
    "picha.http.utf8_forms.utf8_forms_only",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "picha.urls"
ASGI_APPLICATION = "picha.asgi.application"
WSGI_APPLICATION = "picha.wsgi.application"

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
            ],
        },
    },
]

# --- Database

DATABASES = {"default": default_database(env, var_dir=VAR_DIR)}
try:
    close_files(VAR_DIR, *sqlite_files(DATABASES))
except CannotBePrivate as error:
    env.add_problem(str(error))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: the broker and the Channels layer

REDIS_URL = env.url(
    "REDIS_URL",
    default=socket_url(valkey_socket(VAR_DIR)),
    schemes=["redis", "rediss", "unix"],
)
# Without timeouts, a Redis that is frozen blocks a publisher for ever.
_REDIS_TIMEOUTS = {"socket_connect_timeout": 2, "socket_timeout": 5}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "realtime.channel_layer.redis.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, **_REDIS_TIMEOUTS}],
            "prefix": "picha.live",
        },
    },
}

# --- Celery

CELERY_BROKER_URL = env.url(
    "BROKER_URL",
    default=broker_url(REDIS_URL),
    schemes=["redis", "rediss", "redis+socket", "sentinel", "amqp", "amqps"],
)
# The row of a job decides whether it runs; a message only starts a worker. So the broker keeps a
# message until its task has ended, and a message that is delivered twice finds no job to claim.
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
# The number of tasks after which a worker opens a new database connection. Celery's default, after
# each task, also closes the pool that the bus's threads use, and takes most of a short task's time.
CELERY_DB_REUSE_MAX = 10_000
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_EVENT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_BROKER_CONNECTION_TIMEOUT = 4
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever
if not CELERY_BROKER_URL.startswith("amqp"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        **_REDIS_TIMEOUTS,
        # Longer than any task may run: Redis delivers the message of a longer task a second time.
        "visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT,
    }
CELERY_BEAT_SCHEDULER = "realtime.schedules.scheduler:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "Import the latest photos from Flickr": {
        "task": "task_save_latest_flickr_image",
        "schedule": crontab(minute="*/15"),
    },
    "Forget what is old": {
        "task": "realtime.prune",
        "schedule": crontab(minute="17"),
        "options": {"expire_seconds": 3600},  # never two of them in the queue
    },
}

# --- Mail

_mail = env.email("EMAIL_URL", default=f"smtp://127.0.0.1:{PORT + 1}")
EMAIL_BACKEND = _mail.backend
EMAIL_HOST = _mail.host
EMAIL_PORT = _mail.port
EMAIL_HOST_USER = _mail.user
EMAIL_HOST_PASSWORD = _mail.password
EMAIL_USE_TLS = _mail.use_tls
EMAIL_USE_SSL = _mail.use_ssl
EMAIL_FILE_PATH = _mail.file_path
EMAIL_TIMEOUT = 10
EMAIL_EHLO_NAME = env.mail_client_name("EMAIL_EHLO_NAME", default="")
DEFAULT_FROM_EMAIL = env.mailbox("DEFAULT_FROM_EMAIL", default="Picha <picha@picha.example>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
FEEDBACK_RECIPIENTS = env.emails("FEEDBACK_RECIPIENTS", default=["feedback@picha.example"])

# --- Flickr

FLICKR_SOURCE = env.choice("FLICKR_SOURCE", ["sandbox", "feed", "api"], default="sandbox")
FLICKR_API_KEY = env.text("FLICKR_API_KEY", default="")
if FLICKR_SOURCE == "api" and not FLICKR_API_KEY:
    env.add_problem(
        "FLICKR_API_KEY is not set: FLICKR_SOURCE=api needs it; set it, or use FLICKR_SOURCE=feed."
    )
_sandbox = f"http://127.0.0.1:{PORT + 3}"
_uses_sandbox = FLICKR_SOURCE == "sandbox"
FLICKR_API_URL = env.url(
    "FLICKR_API_URL",
    default=f"{_sandbox if _uses_sandbox else 'https://api.flickr.com'}/services/rest/",
    schemes=["http", "https"],
)
FLICKR_FEED_URL = env.url(
    "FLICKR_FEED_URL",
    default=f"{_sandbox if _uses_sandbox else 'https://www.flickr.com'}/services/feeds/photos_public.gne",
    schemes=["http", "https"],
)
FLICKR_IMAGE_HOSTS = env.strings(
    "FLICKR_IMAGE_HOSTS",
    default=[f"127.0.0.1:{PORT + 3}"] if _uses_sandbox else ["live.staticflickr.com"],
)
FLICKR_TAGS = env.text("FLICKR_TAGS", default="")
FLICKR_IMPORT_MAX = env.integer("FLICKR_IMPORT_MAX", default=500, minimum=1, maximum=4000)
FLICKR_PICTURE_PIXELS_MAX = env.integer(
    "FLICKR_PICTURE_PIXELS_MAX",
    default=2 * 1024 * 1024,
    minimum=1024 * 1024,
    maximum=24_000_000,
)

# --- Settings of the apps, each of which declares them in its `conf` with types and defaults

_realtime = env.app_settings(REALTIME_PREFIX, RealtimeConf)
REALTIME_WATCH_KEY_MAX_AGE = _realtime.WATCH_KEY_MAX_AGE
REALTIME_SNAPSHOT_INTERVAL = _realtime.SNAPSHOT_INTERVAL
REALTIME_PERSIST_INTERVAL = _realtime.PERSIST_INTERVAL
REALTIME_REPAIR_INTERVAL = _realtime.REPAIR_INTERVAL
REALTIME_OVERVIEW_INTERVAL = _realtime.OVERVIEW_INTERVAL
REALTIME_LEASE = _realtime.LEASE
REALTIME_WORKER_TIMEOUT = _realtime.WORKER_TIMEOUT
REALTIME_RECOVER_INTERVAL = _realtime.RECOVER_INTERVAL
REALTIME_MESSAGE_LOST_AFTER = _realtime.MESSAGE_LOST_AFTER
REALTIME_CANCEL_INTERVAL = _realtime.CANCEL_INTERVAL
REALTIME_RELAY_AFTER = _realtime.RELAY_AFTER
REALTIME_BROKER_ETA_MAX = _realtime.BROKER_ETA_MAX
REALTIME_BATCH_MAX = _realtime.BATCH_MAX
REALTIME_ROLL_UP_INTERVAL = _realtime.ROLL_UP_INTERVAL
REALTIME_FILE_MAX_BYTES = _realtime.FILE_MAX_BYTES
REALTIME_RETENTION_DAYS = _realtime.RETENTION_DAYS
REALTIME_RETENTION_JOBS = _realtime.RETENTION_JOBS
REALTIME_LAYER_TIMEOUT = _realtime.LAYER_TIMEOUT
REALTIME_FRAME_MAX_BYTES = _realtime.FRAME_MAX_BYTES
REALTIME_FRAMES_PER_SECOND = _realtime.FRAMES_PER_SECOND
REALTIME_WATCHES_MAX = _realtime.WATCHES_MAX
REALTIME_CREDIT_WINDOW = _realtime.CREDIT_WINDOW
REALTIME_SEND_DEADLINE = _realtime.SEND_DEADLINE
REALTIME_SOCKET_MAX_AGE = _realtime.SOCKET_MAX_AGE
REALTIME_SOCKETS_PER_ADDRESS = _realtime.SOCKETS_PER_ADDRESS
REALTIME_TRUSTED_PROXIES = _realtime.TRUSTED_PROXIES
REALTIME_ACCESS_INTERVAL = _realtime.ACCESS_INTERVAL
REALTIME_STREAM_INTERVAL = _realtime.STREAM_INTERVAL
REALTIME_STREAM_MAX_AGE = _realtime.STREAM_MAX_AGE
REALTIME_GC_FREEZE = _realtime.GC_FREEZE
REALTIME_ITEMS_SHOWN = _realtime.ITEMS_SHOWN
REALTIME_OUTCOMES_SHOWN = _realtime.OUTCOMES_SHOWN
REALTIME_PHASES_SHOWN = _realtime.PHASES_SHOWN
REALTIME_RESULT_SHOWN_BYTES = _realtime.RESULT_SHOWN_BYTES
REALTIME_RESULT_MAX_BYTES = _realtime.RESULT_MAX_BYTES
REALTIME_ERROR_MAX_CHARACTERS = _realtime.ERROR_MAX_CHARACTERS

_feedback = env.app_settings(FEEDBACK_PREFIX, FeedbackConf)
FEEDBACK_MESSAGE_MAX = _feedback.MESSAGE_MAX
FEEDBACK_MIN_SECONDS = _feedback.MIN_SECONDS
FEEDBACK_CONFIRMATIONS_PER_HOUR = _feedback.CONFIRMATIONS_PER_HOUR
FEEDBACK_MISCONFIGURED_RETRY = _feedback.MISCONFIGURED_RETRY

# --- People

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

# --- Security

_is_https = SITE_URL.startswith("https:")
SESSION_ENGINE = "picha.http.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _is_https
if is_loopback(SITE_URL):
    # A cookie belongs to a host, whatever the port: with equal names, two sites on one machine
    # would overwrite each other's sessions and reject each other's forms.
    SESSION_COOKIE_NAME = f"sessionid_{PORT}"
    CSRF_COOKIE_NAME = f"csrftoken_{PORT}"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _is_https else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

CONTENT_SECURITY_POLICY = content_security_policy(ALLOWED_ORIGINS)

# --- Static files

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "picha.http.staticfiles.ManifestStorage",
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True  # pages use only these; half as much to compress
MEDIA_ROOT = VAR_DIR / "media"

# --- Language, time, log

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True

LOG_LEVEL = env.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], default="INFO")
LOGGING = logging_settings(level=LOG_LEVEL)

env.check()
