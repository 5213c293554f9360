"""The reference system's Angular client (Angular 22.0): the requests of its generated services and of its sign-in, as
HttpClient and the browser send them, and what it reads from the responses."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

ACCEPT = "application/json, text/plain, */*"
FORM = "application/x-www-form-urlencoded"


class Failed(Exception):
    """HttpErrorResponse; pages read its status."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


@dataclass
class Application:
    """The client in a browser. `origin` is its address if it differs from the server's, as in the reference's
    development, where `ng serve` and `environment.apiUrl` are two origins."""

    client: httpx.AsyncClient
    origin: str | None
    access_token: str | None = None
    notified: list[str] = field(default_factory=list)
    """Texts that are shown for failed requests."""

    async def resource(self, method: str, path: str, body: object = None) -> Any:
        """Send the request of a generated service, a httpResource. Returns its value."""
        kind = {} if body is None else {"content-type": "application/json"}
        return await self._send(method, path, b"" if body is None else json.dumps(body).encode(), kind)

    async def login(self, email: str, password: str) -> dict[str, Any]:
        """AuthService.login: a form, whose encoding is that of URLSearchParams. Keeps the token for AuthInterceptor."""
        form = urlencode({"username": email, "password": password}).encode()
        answer: dict[str, Any] = await self._send("POST", "/api/auth/jwt/login", form, {"content-type": FORM})
        self.access_token = answer["access_token"]
        return answer

    async def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
        if self.access_token:
            headers = {**headers, "authorization": f"Bearer {self.access_token}"}
        sent = {**headers, "accept": ACCEPT}
        if self.origin:
            sent["origin"] = self.origin
            await self.preflight(method, path, headers)
        response = await self.client.request(method, path, content=body, headers=sent)
        if self.origin:
            assert response.headers["access-control-allow-origin"] == self.origin
            assert "X-Trace-Id" in response.headers["access-control-expose-headers"].split(", ")
        if not response.is_success:
            self.notified.append(report(response))
            raise Failed(response.status_code)
        return json.loads(response.content) if response.content else None

    async def preflight(self, method: str, path: str, headers: dict[str, str]) -> None:
        """Ask as the Fetch standard requires, and fail as a browser does."""
        asking = sorted(name for name in headers if (name, headers[name]) != ("content-type", FORM))
        if method in ("GET", "HEAD", "POST") and not asking:
            return
        assert self.origin
        question = {"origin": self.origin, "access-control-request-method": method}
        if asking:
            question["access-control-request-headers"] = ",".join(asking)
        answer = await self.client.options(path, headers=question)
        assert answer.is_success
        assert answer.headers["access-control-allow-origin"] == self.origin
        assert method in answer.headers["access-control-allow-methods"].split(", ")
        allowed = answer.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
        assert set(asking) <= set(allowed)


def report(response: httpx.Response) -> str:
    """HttpErrorReporterService: the text of the notification. A body with `status`, `type` and `message` must have
    `extra.trace_id`: without it, the client raises a TypeError in place of the error."""
    body = response.json()
    assert body["status"]
    assert body["type"]
    assert body["extra"]["trace_id"] == response.headers["x-trace-id"]
    return f"{body['message']} (Trace ID: {body['extra']['trace_id']})"


def decode(token: str) -> dict[str, Any]:
    """AuthService.decodeToken: the payload of a JWT."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found
