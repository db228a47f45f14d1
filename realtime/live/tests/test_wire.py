import json
from uuid import UUID

import msgspec
import pytest

from realtime.live.wire import (
    Ack,
    Denied,
    Overview,
    Ping,
    Pong,
    UnknownType,
    Unwatch,
    Watch,
    WatchRequest,
    jobs_frame,
    overview_frame,
    parse,
)
from realtime.snapshots.schema import encode

ID = UUID("01a20391-cf6f-710b-bd83-cd1e99a51024")


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        (f'{{"type":"watch","jobs":[{{"id":"{ID}"}}]}}', Watch(jobs=[WatchRequest(id=ID)])),
        (
            f'{{"type":"watch","jobs":[{{"id":"{ID}","key":"k"}}]}}',
            Watch(jobs=[WatchRequest(id=ID, key="k")]),
        ),
        (f'{{"type":"unwatch","jobs":["{ID}"]}}', Unwatch(jobs=[ID])),
        ('{"type":"overview"}', Overview()),
        ('{"type":"ack","seq":16}', Ack(seq=16)),
        ('{"type":"ping"}', Ping()),
    ],
)
def test_frames_of_browsers_are_decoded(text: str, frame: object) -> None:
    assert parse(text) == frame


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "{}",
        '{"type":7}',
        '{"type":"watch"}',
        '{"type":"watch","jobs":[{"id":"7"}]}',
        '{"type":"watch","jobs":[],"more":1}',
        '{"type":"ack","seq":"16"}',
        '{"type":"ack","seq":1e400}',
        '{"type":"overview","jobs":[]}',
        '{"type":"ping","payload":"more"}',
    ],
)
def test_other_frames_are_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        parse(text)


def test_a_frame_of_snapshots_is_json() -> None:
    frame = json.loads(jobs_frame(3, ['{"id":1}', '{"id":2}']))
    assert frame == {"type": "jobs", "seq": 3, "jobs": [{"id": 1}, {"id": 2}]}


def test_an_overview_is_json() -> None:
    frame = json.loads(overview_frame(4, '{"running":1}', []))
    assert frame == {"type": "overview", "seq": 4, "numbers": {"running": 1}, "jobs": []}


def test_a_denial_names_the_jobs() -> None:
    assert json.loads(encode(Denied(jobs=[ID]))) == {"type": "denied", "jobs": [str(ID)]}


def test_a_pong_has_no_other_fields() -> None:
    assert json.loads(encode(Pong())) == {"type": "pong"}


def test_an_unknown_type_is_an_error_of_its_own() -> None:
    with pytest.raises(UnknownType, match="'unknown'"):
        parse('{"type":"unknown","of":1}')
