"""Checks answers against the OpenAPI document."""

import json
import re
from uuid import UUID

import httpx

from api.features import FEATURES
from api.kernel.contract.openapi import document

PATHS = json.loads(document(FEATURES))["paths"]


def _names(field: str) -> set[str]:
    """The policies in a RateLimit or RateLimit-Policy field."""
    return set(re.findall(r'"([^"]+)";', field))


async def documented(response: httpx.Response) -> None:
    """Fail the test if a status, a code or a limit is not documented."""
    assert UUID(hex=response.headers["x-trace-id"]), "every answer carries the trace id"
    counted, named = (_names(response.headers.get(name, "")) for name in ("ratelimit", "ratelimit-policy"))
    assert counted <= named, f"{counted - named} is charged, but not in `policies=` of the route"
    path = response.request.url.path
    operation = PATHS.get(path.removeprefix("/api"), {}).get(response.request.method.lower())
    if operation is None or not path.startswith("/api/"):
        return
    if response.status_code == 200 and "101" in operation["responses"]:  # a socket as a stream (examples.over_http)
        return
    documented = operation["responses"].get(str(response.status_code))
    assert documented, (
        f"{response.status_code} is not documented for {response.request.method} {response.request.url.path}"
    )
    if response.status_code >= 400:
        await response.aread()
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] in documented["content"]["application/problem+json"]["examples"]
