"""The settings of `realtime`, each with its default.

A project overrides one by a Django setting of the same name with the prefix `REALTIME_`:
`REALTIME_LEASE = 60`. Times are in seconds, sizes in bytes.
"""

from typing import Final, get_type_hints

from django.conf import settings

PREFIX: Final = "REALTIME_"


class Conf:
    WATCH_KEY_MAX_AGE: int = 30 * 24 * 3600
    """How long the link of a visitor's job page works."""
    SNAPSHOT_INTERVAL: float = 0.1
    """Pause between two snapshots of a changing job."""
    PERSIST_INTERVAL: float = 2.0
    """Pause between two writes of progress and heartbeats to the database."""
    REPAIR_INTERVAL: float = 5.0
    """How long a watched, unfinished job may be silent before the hub reads its row again."""
    OVERVIEW_INTERVAL: float = 1.0
    """Pause between two looks at the operators' numbers, per web process."""
    LEASE: float = 30.0
    """How long a running job may be silent before it counts as lost."""
    WORKER_TIMEOUT: float = 20.0
    """How long a worker may be silent before it counts as down."""
    RECOVER_INTERVAL: float = 10.0
    """How often a worker looks for what dead processes and lost messages have left behind."""
    MESSAGE_LOST_AFTER: float = 15.0
    """How long a published job waits before its message may count as lost."""
    CANCEL_INTERVAL: float = 1.0
    """How often a worker's child looks whether its job is to be cancelled."""
    RELAY_AFTER: float = 5.0
    """How long a job may stay unpublished before the relay takes it."""
    BROKER_ETA_MAX: float = 60.0
    """The longest wait that is left to the broker; a longer one is the relay's."""
    BATCH_MAX: int = 10_000
    """How many jobs one batch may have."""
    ROLL_UP_INTERVAL: float = 0.2
    """Pause between two counts of a batch's jobs, per process."""
    FILE_MAX_BYTES: int = 32 * 1024 * 1024
    """The largest file that a task may attach to its job."""
    RETENTION_DAYS: int = 30
    """How many days a finished job is kept, and a worker that is not heard of any more."""
    RETENTION_JOBS: int = 100_000
    """How many finished jobs are kept."""
    LAYER_TIMEOUT: float = 2.0
    """How long one call of the Channels layer may take."""
    FRAME_MAX_BYTES: int = 16 * 1024
    """The largest frame that a browser may send."""
    FRAMES_PER_SECOND: int = 20
    """How many frames a browser may send in a second, beside acknowledgements that it owes."""
    WATCHES_MAX: int = 100
    """How many jobs one socket may watch."""
    CREDIT_WINDOW: int = 48
    """How many frames a socket may be behind with its acknowledgements."""
    SEND_DEADLINE: float = 20.0
    """How long a socket may be that far behind before it is closed."""
    SOCKET_MAX_AGE: float = 12 * 3600.0
    """How long a socket may live; the browser opens another."""
    SOCKETS_PER_ADDRESS: int = 100
    """How many sockets and event streams one address may have, per web process."""
    TRUSTED_PROXIES: int = 0
    """How many proxies stand before the site, each adding to X-Forwarded-For."""
    ACCESS_INTERVAL: float = 60.0
    """How often a web process looks whether its sockets' users may still be there."""
    STREAM_INTERVAL: float = 0.5
    """Pause between two events of an event stream, which cannot tell that its reader is slow."""
    STREAM_MAX_AGE: float = 60.0
    """How long an event stream lasts before the browser opens another."""
    GC_FREEZE: bool = True
    """Whether web processes keep open sockets out of garbage collection, by `gc.freeze()`."""
    ITEMS_SHOWN: int = 12
    """How many items, newest first, a snapshot carries."""

    def __getattribute__(self, name: str) -> object:
        default = super().__getattribute__(name)
        return getattr(settings, PREFIX + name, default) if name.isupper() else default


conf: Final = Conf()
NAMES: Final = tuple(PREFIX + name for name in get_type_hints(Conf))
