"""Answers held against the OpenAPI document."""

import json
from uuid import UUID

import httpx

from api.features import FEATURES
from api.kernel.contract.openapi import document

PATHS = json.loads(document(FEATURES))["paths"]


async def documented(response: httpx.Response) -> None:
    """Fail the test where a status or code is not documented."""
    assert UUID(hex=response.headers["x-trace-id"]), "every answer carries the trace id"
    operation = PATHS.get(response.request.url.path.removeprefix("/api"), {}).get(response.request.method.lower())
    if operation is None:
        return
    documented = operation["responses"].get(str(response.status_code))
    assert documented, (
        f"{response.status_code} is not documented for {response.request.method} {response.request.url.path}"
    )
    if response.status_code >= 400:
        await response.aread()
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["code"] in documented["content"]["application/problem+json"]["examples"]
