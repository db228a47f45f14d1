"""Broker check: whether the broker takes messages at all.

The outbox calls it when the broker has refused one.
"""

from typing import Final
from uuid import uuid4

from celery import current_app
from kombu import Producer, Queue
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

NO_ANSWER: Final = (OSError, RedisConnectionError, RedisTimeoutError)
"""Errors of a broker that cannot be reached. Any other error may concern one message only."""


def has_answered(error: Exception) -> bool:
    """Whether the broker can be reached, although a publish has raised `error`.

    kombu raises the same `OperationalError` when the broker is down and when it refuses one
    message. With Redis it also does so for a KeyError, as of a compression that does not exist.
    """
    return not isinstance(error.__cause__ or error, NO_ANSWER)


def takes_messages() -> bool:
    """Publish a message to a queue of its own, which is deleted again; whether that worked.

    It does not work either if the user of the broker may not declare such a queue.
    """
    with current_app.connection_for_write() as connection:
        errors: tuple[type[BaseException], ...] = (
            *connection.connection_errors,
            *connection.channel_errors,
            OperationalError,
        )
        queue = Queue(f"realtime.check.{uuid4()}", durable=False, expires=60)
        try:
            with connection.channel() as channel:
                bound = queue(channel)
                bound.queue_declare()
                Producer(channel).publish({}, routing_key=queue.name, serializer="json")
                bound.purge()  # On Redis, `delete` does nothing to a queue without a binding.
                bound.delete()
        except errors:
            return False
    return True
