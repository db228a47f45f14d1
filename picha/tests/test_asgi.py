import json
import re
from pathlib import Path

import pytest
from channels.testing import WebsocketCommunicator

from picha.asgi import application
from picha.tests.settings_process import run_code

ASK = """
import asyncio, json, re
from urllib.parse import urlencode

from asgiref.testing import ApplicationCommunicator
from picha.asgi import application

PLACE = {"type": "http", "path": "/accounts/login/", "query_string": b""}

async def ask(method, headers, body=b""):
    headers = [(b"host", HOST.encode()), *headers]
    scope = PLACE | {"method": method, "scheme": "http", "headers": headers}
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": "http.request", "body": body})
    start = await communicator.receive_output(60)
    page = (await communicator.receive_output(60))["body"].decode()
    await communicator.wait(60)
    return start["status"], dict(start["headers"]), page

async def log_in():
    _, headers, page = await ask("GET", [])
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[-1]
    sent = [
        (b"origin", ORIGIN.encode()),
        (b"cookie", headers[b"Set-Cookie"].split(b";")[0]),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ]
    status, _, _ = await ask("POST", sent, urlencode({"csrfmiddlewaretoken": token}).encode())
    safety = headers.get(b"Strict-Transport-Security", b"").decode()
    print(json.dumps({"status": status, "safety": safety}))

asyncio.run(log_in())
"""


def log_in(var_dir: Path, *, origin: str, **variables: str) -> tuple[int, str]:
    """What becomes of a form without a name, sent from a page of `origin` through a proxy that
    speaks HTTP to the site; and what its page said of safe transport."""
    host = re.sub(r"^https?://", "", variables["SITE_URL"])
    asked = run_code(f"HOST, ORIGIN = {host!r}, {origin!r}\n{ASK}", var_dir, **variables)
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    return answer["status"], answer["safety"]


@pytest.mark.parametrize(
    ("site_url", "safety"),
    [("https://photos.example", "max-age=31536000"), ("http://photos.example", "")],
)
def test_a_form_of_the_sites_own_can_be_sent(tmp_path: Path, site_url: str, safety: str) -> None:
    assert log_in(tmp_path, SITE_URL=site_url, origin=site_url) == (200, safety)


@pytest.mark.parametrize(
    ("origin", "status"), [("https://www.photos.example", 200), ("https://evil.example", 403)]
)
def test_of_others_only_those_that_are_trusted(tmp_path: Path, origin: str, status: int) -> None:
    settings = {
        "SITE_URL": "https://photos.example",
        "CSRF_TRUSTED_ORIGINS": "https://www.photos.example",
    }
    assert log_in(tmp_path, origin=origin, **settings)[0] == status


@pytest.mark.parametrize("path", ["/", "/ws/other/", "/ws/jobs/more", "/ws/jobs\n", "/wś/"])
async def test_a_socket_to_an_address_that_there_is_not_is_refused(path: str) -> None:
    headers = [(b"origin", b"http://127.0.0.1:8000")]
    communicator = WebsocketCommunicator(application, path, headers)
    assert await communicator.connect(timeout=60) == (False, 1008)
    await communicator.wait(timeout=60)
