from collections.abc import AsyncGenerator

from realtime.pages import views


async def test_a_closed_stream_closes_its_lines_at_once() -> None:
    closed = []

    async def lines() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "line"
        finally:
            closed.append(True)

    stream = views._chain("first", lines())
    assert [await anext(stream), await anext(stream)] == ["first", "line"]
    await stream.aclose()
    assert closed == [True]
