"""What the README says of the wire and of the element is what there is."""

import re
from pathlib import Path
from typing import get_args

import pytest

from realtime.live import wire
from realtime.live.wire import ClientFrame, parse

HOME = Path(__file__).resolve().parents[1]
README = (HOME / "README.md").read_text("utf-8")
ID = "01a20391-cf6f-710b-bd83-cd1e99a51024"


def section(name: str) -> str:
    return README.split(f"\n## {name}")[1].split("\n## ")[0]


def frames(column: str) -> list[str]:
    table = section("The wire").split(f"| {column} |")[1].split("\n\n")[0]
    return re.findall(r"^\| `(\{.*\})` \|", table, re.MULTILINE)


def names(table: str) -> set[str]:
    return set(re.findall(r"^\| `([\w:]+)` \|", table, re.MULTILINE))


@pytest.mark.parametrize("frame", frames("from the browser"))
def test_the_browsers_frames_are_taken_as_they_are_written(frame: str) -> None:
    assert isinstance(parse(re.sub("…", ID, frame)), get_args(ClientFrame))


def test_every_frame_is_there() -> None:
    types = re.compile(r'^\{"type": "(\w+)"')
    told = [{types.findall(one)[0] for one in frames(f"from the {who}")} for who in SIDES]
    client = {each.__struct_config__.tag for each in get_args(ClientFrame)}
    assert told == [client, {"jobs", "overview", "denied", "error", "pong"}]


SIDES = ("browser", "server")


def test_every_close_code_is_there() -> None:
    codes = {wire.AGED, wire.MALFORMED, wire.SESSION_ENDED, wire.TOO_SLOW, wire.TOO_MANY}
    told = re.findall(r"^\| (\d{4}) \|", section("The wire"), re.MULTILINE)
    assert {int(code) for code in told} == codes


def test_the_scripts_codes_are_the_servers() -> None:
    script = (HOME / "static/realtime/link/close-codes.js").read_text("utf-8")
    codes = {name: int(code) for name, code in re.findall(r"const (\w+) = (\d+);", script)}
    assert codes.pop("BROKEN") == 1006
    assert codes == {name: getattr(wire, name) for name in codes}
    assert len(codes) == 5


def test_every_attribute_and_event_of_the_element_is_there() -> None:
    script = (HOME / "static/realtime/job/job-progress.js").read_text("utf-8")
    attributes = set(re.findall(r'(?:get|has)Attribute\("(\w+)"\)', script))
    events = set(re.findall(r'"(job:\w+)"', script))
    assert names(section("The element")) == attributes | events
