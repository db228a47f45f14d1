import asyncio

import pytest

from photos.flickr.errors import (
    FlickrError,
    KeyRefusedError,
    QueryRefusedError,
    RequestRefusedError,
    SlowDownError,
    TransientError,
    UnavailableError,
    UnreadableError,
)
from photos.flickr.photo import PhotoQuery
from photos.flickr.retries import SLOW, with_retries
from photos.flickr.tests.reading import ids_of
from photos.sandbox.replies import (
    BAD_GATEWAY,
    MAINTENANCE_PAGE,
    NOT_CURRENTLY_AVAILABLE,
    TOO_MANY,
    Reply,
)
from photos.tests.in_memory_flickr import connect_to, new_sandbox


@pytest.mark.parametrize(
    "temporary_error", [TOO_MANY, BAD_GATEWAY, MAINTENANCE_PAGE, NOT_CURRENTLY_AVAILABLE, Reply()]
)
async def test_temporary_errors_are_retried_with_a_message(temporary_error: Reply) -> None:
    flickr = connect_to(new_sandbox(first_replies=(temporary_error, temporary_error)))
    assert len(await ids_of(flickr.source, PhotoQuery(limit=5))) == 5
    assert "Trying again in 0 s (2 of 5)" in flickr.messages[0]
    assert flickr.messages[-1] == ""


@pytest.mark.parametrize(("failures", "succeeds"), [(4, True), (5, False)])
async def test_there_are_at_most_five_tries(failures: int, succeeds: bool) -> None:
    sandbox = new_sandbox(first_replies=(TOO_MANY,) * failures)
    if succeeds:
        assert await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5))
    else:
        with pytest.raises(SlowDownError, match="try again later"):
            await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5))
    assert len(sandbox.paths) == 5


NOT_A_PAGE = Reply(body=b'{"stat":"ok","photos":{"photo":"none"}}')
NO_ENVELOPE = Reply(body=b'{"stat":"ok"}')


@pytest.mark.parametrize("reply", [NOT_A_PAGE, NO_ENVELOPE])
async def test_a_document_that_is_not_a_page_is_requested_again(reply: Reply) -> None:
    flickr = connect_to(new_sandbox(first_replies=(reply, reply)))
    assert len(await ids_of(flickr.source, PhotoQuery(limit=5))) == 5
    sandbox = new_sandbox(first_replies=(reply,) * 5)
    with pytest.raises(UnreadableError, match="even after several tries"):
        await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5))
    assert len(sandbox.paths) == 5


@pytest.mark.parametrize("error", TransientError.__subclasses__())
def test_several_tries_are_named_only_after_several(error: type[TransientError]) -> None:
    failure = error()
    assert "several" not in str(failure)
    failure.tries = 2
    assert "even after several tries. Please try again later." in str(failure)


async def test_a_slow_response_shows_a_message_until_it_arrives() -> None:
    messages, is_shown = list[str](), asyncio.Event()

    def show_message(text: str) -> None:
        messages.append(text)
        is_shown.set()

    async def respond() -> str:
        await is_shown.wait()
        return "response"

    response = with_retries(respond, show_message=show_message, first_wait=0.0, slow_after=0.0)
    assert await response == "response"
    assert messages == [SLOW, ""]


async def test_the_last_try_shows_no_message() -> None:
    flickr = connect_to(new_sandbox(first_replies=(TOO_MANY,) * 5))
    with pytest.raises(SlowDownError):
        await ids_of(flickr.source, PhotoQuery(limit=5))
    assert [message[-9:] for message in flickr.messages] == [
        f"({number} of 5)." for number in (2, 3, 4, 5)
    ]


def failure_reply(code: int) -> Reply:
    return Reply(body=b'{"stat":"fail","code":%d,"message":"no"}' % code)


@pytest.mark.parametrize(
    ("reply", "error", "tries"),
    [
        (failure_reply(100), KeyRefusedError, 1),
        (failure_reply(3), QueryRefusedError, 1),
        (failure_reply(112), RequestRefusedError, 1),
        (failure_reply(105), UnavailableError, 5),
        (MAINTENANCE_PAGE, UnreadableError, 5),
        (Reply(body=b""), UnreadableError, 5),
    ],
)
async def test_only_temporary_errors_are_retried(
    reply: Reply, error: type[FlickrError], tries: int
) -> None:
    sandbox = new_sandbox(first_replies=(reply,) * 9)
    with pytest.raises(error):
        await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5))
    assert len(sandbox.paths) == tries
