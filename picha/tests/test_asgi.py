import json
import re
from pathlib import Path

import pytest
from channels.testing import WebsocketCommunicator

from picha.asgi import application
from picha.tests.settings_process import run_code

LOG_IN = """
import asyncio, json, re
from urllib.parse import urlencode

from asgiref.testing import ApplicationCommunicator
from picha.asgi import application

LOGIN_PAGE = {"type": "http", "path": "/accounts/login/", "query_string": b""}

async def send(method, headers, body=b""):
    headers = [(b"host", HOST.encode()), *headers]
    scope = LOGIN_PAGE | {"method": method, "scheme": "http", "headers": headers}
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": "http.request", "body": body})
    start = await communicator.receive_output(60)
    page = (await communicator.receive_output(60))["body"].decode()
    await communicator.wait(60)
    return start["status"], dict(start["headers"]), page

async def log_in():
    _, headers, page = await send("GET", [])
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[-1]
    request_headers = [
        (b"origin", ORIGIN.encode()),
        (b"cookie", headers[b"Set-Cookie"].split(b";")[0]),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ]
    body = urlencode({"csrfmiddlewaretoken": token}).encode()
    status, _, _ = await send("POST", request_headers, body)
    hsts = headers.get(b"Strict-Transport-Security", b"").decode()
    print(json.dumps({"status": status, "hsts": hsts}))

asyncio.run(log_in())
"""


def log_in(var_dir: Path, *, origin: str, **variables: str) -> tuple[int, str]:
    """The status of an empty login form from a page of `origin`, and the HSTS header of the page.

    The request arrives as from a proxy that ends TLS: it is plain HTTP.
    """
    host = re.sub(r"^https?://", "", variables["SITE_URL"])
    process = run_code(f"HOST, ORIGIN = {host!r}, {origin!r}\n{LOG_IN}", var_dir, **variables)
    assert process.returncode == 0, process.stderr
    result = json.loads(process.stdout)
    return result["status"], result["hsts"]


@pytest.mark.parametrize(
    ("site_url", "hsts"),
    [("https://photos.example", "max-age=31536000"), ("http://photos.example", "")],
)
def test_a_form_of_the_site_is_accepted(tmp_path: Path, site_url: str, hsts: str) -> None:
    assert log_in(tmp_path, SITE_URL=site_url, origin=site_url) == (200, hsts)


@pytest.mark.parametrize(
    ("origin", "status"), [("https://www.photos.example", 200), ("https://evil.example", 403)]
)
def test_a_form_of_another_site_is_accepted_only_if_it_is_trusted(
    tmp_path: Path, origin: str, status: int
) -> None:
    settings = {
        "SITE_URL": "https://photos.example",
        "CSRF_TRUSTED_ORIGINS": "https://www.photos.example",
    }
    assert log_in(tmp_path, origin=origin, **settings)[0] == status


@pytest.mark.parametrize("path", ["/", "/ws/other/", "/ws/jobs/more", "/ws/jobs\n", "/wś/"])
async def test_a_socket_to_an_unknown_path_is_refused(path: str) -> None:
    headers = [(b"origin", b"http://127.0.0.1:8000")]
    communicator = WebsocketCommunicator(application, path, headers)
    assert await communicator.connect(timeout=60) == (False, 1008)
    await communicator.wait(timeout=60)
