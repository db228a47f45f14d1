"""HTTP clients of a sandbox in memory."""

from typing import Any

import httpx

from photos.sandbox.app import Sandbox
from photos.sandbox.catalogue import EPOCH
from photos.sandbox.config import API_KEY, SandboxConfig

BASE = "http://sandbox.test:8003"
NOW = EPOCH + 10_000 * 90
ALL_EXTRAS = "description,license,date_upload,date_taken,owner_name,path_alias,tags,media,url_z"


def client(**options: Any) -> httpx.AsyncClient:
    defaults: dict[str, Any] = {"clock": lambda: NOW, "photos": 300}
    config = SandboxConfig(**defaults | options)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=Sandbox(config)), base_url=BASE)


async def rest(http: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    fixed = {"api_key": API_KEY, "format": "json", "nojsoncallback": "1"}
    response = await http.get("/services/rest/", params=fixed | params)
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


async def search(http: httpx.AsyncClient, **params: str) -> dict[str, Any]:
    document = await rest(http, method="flickr.photos.search", extras=ALL_EXTRAS, **params)
    photos: dict[str, Any] = document["photos"]
    return photos
