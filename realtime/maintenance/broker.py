"""Broker: the depth of its queues, with any broker that Celery supports. `relay` calls it."""

from amqp.exceptions import NotFound
from celery import current_app
from kombu.exceptions import ChannelError, OperationalError


def depth(queue: str) -> int:
    """The number of messages that wait in `queue`; 0 if the queue does not exist.

    Raises:
        kombu.exceptions.OperationalError, OSError: the broker cannot be reached.
    """
    with current_app.connection_for_write() as connection:
        try:
            with connection.channel() as channel:
                declared = channel.queue_declare(queue=queue, passive=True)  # type: ignore[attr-defined]
                return int(declared.message_count)
        except (NotFound, ChannelError):
            return 0
        except connection.recoverable_connection_errors as error:
            raise OperationalError(str(error)) from error
