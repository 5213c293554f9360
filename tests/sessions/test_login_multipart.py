"""Signing in with multipart/form-data, as the reference's documentation does with `curl -F`."""

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user
from tests.sessions.signing import set_by

# The request of curl 8 for -F username=… -F password=….
CURL = (
    "--------------------------d74496d66958873e\r\n"
    'Content-Disposition: form-data; name="username"\r\n\r\nada@example.com\r\n'
    "--------------------------d74496d66958873e\r\n"
    f'Content-Disposition: form-data; name="password"\r\n\r\n{PASSWORD}\r\n'
    "--------------------------d74496d66958873e--\r\n"
)
CURL_TYPE = {"content-type": "multipart/form-data; boundary=------------------------d74496d66958873e"}


@pytest.mark.parametrize(("mode", "status"), [("jwt", 200), ("cookie", 204)])
async def test_signs_in_as_curl_does(client: httpx.AsyncClient, context: Context, mode: str, status: int) -> None:
    """C-195."""
    await make_user(context, "ada@example.com")
    answer = await client.post(f"/api/auth/{mode}/login", content=CURL, headers=CURL_TYPE)
    assert answer.status_code == status
    tokens = {"__Host-access"} & set_by(answer).keys() if mode == "cookie" else answer.json()["access_token"]
    assert tokens


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ((PASSWORD, "wrong"), 400, "LOGIN_BAD_CREDENTIALS"),
        (('name="password"', 'name="username"'), 422, "VALIDATION_FAILED"),
        (('name="password"', 'name="password"; filename="p.txt"'), 422, "VALIDATION_FAILED"),
        (('name="password"', 'name="passwort"'), 422, "VALIDATION_FAILED"),
        ((PASSWORD, "\0"), 422, "VALIDATION_FAILED"),
        ((PASSWORD, "x" * 70_000), 413, "PAYLOAD_TOO_LARGE"),
        (("--\r\n", ""), 422, "VALIDATION_FAILED"),
    ],
    ids=range(7),
)
async def test_an_invalid_form_is_refused(
    client: httpx.AsyncClient, context: Context, changed: tuple[str, str], status: int, code: str
) -> None:
    """C-195."""
    await make_user(context, "ada@example.com")
    answer = await client.post("/api/auth/jwt/login", content=CURL.replace(*changed), headers=CURL_TYPE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await context.db.fetch("select 1 from sessions") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "multipart/form-data"},
        {"content-type": "multipart/mixed; boundary=x"},
        CURL_TYPE | {"content-encoding": "gzip"},
    ],
)
async def test_another_type_is_refused(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """C-4, C-195."""
    answer = await client.post("/api/auth/jwt/login", content=CURL, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
