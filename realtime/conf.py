"""Conf: the settings of `realtime`, each with its default, and the base class for an app's own.

A project overrides a setting by a Django setting of the same name with the prefix `REALTIME_`:
`REALTIME_LEASE = 60`. Times are in seconds, sizes in bytes.
"""

from typing import Final

from django.conf import settings

PREFIX: Final = "REALTIME_"


class AppSettings:
    """The settings of an app: a subclass declares each as an attribute with a type and a default.

    An instance reads `settings.<prefix><NAME>` and uses the default where the project has not set
    it. It reads it each time, so that tests can override a setting.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __getattribute__(self, name: str) -> object:
        value = super().__getattribute__(name)
        return getattr(settings, self._prefix + name, value) if name.isupper() else value


class Conf(AppSettings):
    WATCH_KEY_MAX_AGE: int = 30 * 24 * 3600
    """How long a link with a watch key is valid."""
    SNAPSHOT_INTERVAL: float = 0.1
    """Pause between two snapshots of a changing job."""
    PERSIST_INTERVAL: float = 2.0
    """Pause between two writes of progress and heartbeats to the database."""
    REPAIR_INTERVAL: float = 5.0
    """How long a watched, unfinished job may be silent before the hub reads its row again."""
    OVERVIEW_INTERVAL: float = 1.0
    """Pause between two counts of the operators' numbers, per web process."""
    LEASE: float = 30.0
    """How long a running job may be silent before it counts as lost."""
    WORKER_TIMEOUT: float = 20.0
    """How long a worker may be silent before it counts as down."""
    RECOVER_INTERVAL: float = 10.0
    """How often a worker looks for jobs of dead workers and for lost task messages."""
    MESSAGE_LOST_AFTER: float = 15.0
    """How long a published job waits before its task message may count as lost."""
    CANCEL_INTERVAL: float = 1.0
    """How often a child process of a worker checks whether its job was asked to cancel."""
    RELAY_AFTER: float = 5.0
    """How long a job may stay unpublished before the relay publishes it."""
    BROKER_ETA_MAX: float = 60.0
    """The longest delay that the broker keeps a task for; the relay publishes later ones."""
    BATCH_MAX: int = 10_000
    """How many jobs one batch may have."""
    ROLL_UP_INTERVAL: float = 0.2
    """Pause between two counts of a batch's jobs, per process."""
    FILE_MAX_BYTES: int = 32 * 1024 * 1024
    """The largest file that a task may attach to its job."""
    RETENTION_DAYS: int = 30
    """How many days a finished job is kept, and a worker without heartbeats."""
    RETENTION_JOBS: int = 100_000
    """How many finished jobs are kept."""
    LAYER_TIMEOUT: float = 2.0
    """How long one call of the Channels layer may take."""
    FRAME_MAX_BYTES: int = 16 * 1024
    """The largest frame that a browser may send."""
    FRAMES_PER_SECOND: int = 20
    """How many frames a browser may send in a second, without its acknowledgements."""
    WATCHES_MAX: int = 100
    """How many jobs one socket may watch."""
    CREDIT_WINDOW: int = 48
    """How many frames may be sent to a socket before it acknowledges the first of them."""
    SEND_DEADLINE: float = 20.0
    """How long a socket may leave a full window unacknowledged before it is closed."""
    SOCKET_MAX_AGE: float = 12 * 3600.0
    """How long a socket stays open; the browser then opens another."""
    SOCKETS_PER_ADDRESS: int = 100
    """How many sockets and event streams one address may have, per web process."""
    TRUSTED_PROXIES: int = 0
    """How many proxies are in front of the site, each of which adds to X-Forwarded-For."""
    ACCESS_INTERVAL: float = 60.0
    """How often a web process checks whether its sockets' users still have access."""
    STREAM_INTERVAL: float = 0.5
    """Pause between two events of an event stream, which cannot notice that its reader is slow."""
    STREAM_MAX_AGE: float = 60.0
    """How long an event stream lasts before the browser opens another."""
    GC_FREEZE: bool = True
    """Whether web processes keep open sockets out of garbage collection, by `gc.freeze()`."""
    ITEMS_SHOWN: int = 12
    """How many items, newest first, a snapshot carries."""
    OUTCOMES_SHOWN: int = 50
    """How many counts of different outcomes a job has; the others are added up as "other"."""
    PHASES_SHOWN: int = 50
    """How many phases, around the running one, a job shows."""
    RESULT_SHOWN_BYTES: int = 4 * 1024
    """The largest result that a snapshot carries; of a larger one it has the whole numbers."""
    RESULT_MAX_BYTES: int = 1024 * 1024
    """The largest result that is kept with its job."""
    ERROR_MAX_CHARACTERS: int = 2_000
    """How many characters of an error's text are kept with its job."""


conf: Final = Conf(PREFIX)
