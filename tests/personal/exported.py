"""Exports in tests."""

import io
import json
import zipfile
from typing import Any

import httpx

from api.kernel.context import Context
from tests.factories import PASSWORD
from tests.mailed import mailed


async def signed_in_as(client: httpx.AsyncClient, email: str, user_agent: str = "tests") -> dict[str, str]:
    """Return the headers of a new sign-in."""
    form = {"username": email, "password": PASSWORD}
    answer = await client.post("/api/auth/jwt/login", data=form, headers={"user-agent": user_agent})
    return {"authorization": f"Bearer {answer.json()['access_token']}", "user-agent": user_agent}


async def exported(client: httpx.AsyncClient, context: Context, headers: dict[str, str]) -> bytes:
    """Request an export, run the worker's tasks, and download it."""
    asked = await client.post("/api/users/me/export", headers=headers)
    assert asked.status_code == 202
    await mailed(context)
    answer = await client.get(f"/api/users/me/exports/{asked.json()['id']}/download", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    return answer.content


def unzipped(content: bytes) -> dict[str, str]:
    """Return the files of a ZIP file whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


def rows(files: dict[str, str], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(files[name])
    return found
