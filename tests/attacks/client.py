"""A client with its own address, and the usual flows of users."""

import itertools
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

_numbers = itertools.count(1)


def fresh_number() -> int:
    return next(_numbers)


def fresh_email(word: str = "person") -> str:
    return f"{word}{fresh_number()}-{secrets.token_hex(4)}@people.example.com"


def fresh_password() -> str:
    """Return a password that every estimator of strength accepts."""
    return f"Vw{secrets.token_urlsafe(15)}-9"


class Client:
    """Keeps cookies and a pair of tokens like a browser or an application."""

    def __init__(self, url: str, headers: Mapping[str, str], source: str | None) -> None:
        self.address = source or headers.get("x-attack-from", "127.0.0.1")
        self._http = httpx.Client(
            base_url=url,
            transport=httpx.HTTPTransport(verify=False, trust_env=False, local_address=source),
            trust_env=False,
            headers={"user-agent": "Firefox/140", **headers},
            timeout=20,
        )
        self.patient = True
        """Whether to repeat a request when a dependency did not answer in time, as on a busy machine."""
        self.access = ""
        self.refresh = ""
        self.cookies: dict[str, str] = {}

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bytes | None = None,
    ) -> httpx.Response:
        """Send a request under /api with this client's credentials."""
        sent = dict(headers or {})
        if self.access:
            sent.setdefault("authorization", f"Bearer {self.access}")
        if self.cookies:
            sent.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
            if "XSRF-TOKEN" in self.cookies and method != "GET":
                sent.setdefault("x-xsrf-token", self.cookies["XSRF-TOKEN"])
        content, path = raw, f"/api{path}"
        if form is None and body is not None:
            content = json.dumps(body).encode()
            sent.setdefault("content-type", "application/json")
        fields = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        for turn in range(4 if self.patient else 1):
            time.sleep(0.5 * turn)
            response = self._http.request(
                method, path, content=content, data=None if form is None else dict(form), headers=fields
            )
            if response.status_code != 503:
                break
        self._http.cookies.clear()
        for line in response.headers.get_list("set-cookie"):
            found = re.match(r"([^=;]+)=([^;]*)", line)
            if found and "max-age=0" in line.lower():
                self.cookies.pop(found[1], None)
            elif found:
                self.cookies[found[1]] = found[2]
        return response

    def register(self, email: str, password: str, **more: object) -> httpx.Response:
        return self.ask("POST", "/auth/register", {"email": email, "password": password, **more})

    def login(self, email: str, password: str) -> httpx.Response:
        """Sign in; keep the pair of tokens on success."""
        response = self.ask("POST", "/auth/jwt/login", form={"username": email, "password": password})
        if response.status_code == 200:
            self.take(response.json())
        return response

    def cookie_login(self, email: str, password: str, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", "/auth/cookie/login", form={"username": email, "password": password}, headers=sent)

    def take(self, pair: Mapping[str, Any]) -> None:
        self.access, self.refresh = pair["access_token"], pair["refresh_token"]

    def renew(self) -> httpx.Response:
        response = self.ask("POST", "/auth/refresh", {"refresh_token": self.refresh})
        if response.status_code == 200:
            self.take(response.json())
        return response

    def me(self) -> dict[str, Any] | None:
        """Return the user of this session, or None."""
        response = self.ask("GET", "/users/me")
        return response.json() if response.status_code == 200 else None

    def change(self, **fields: object) -> httpx.Response:
        return self.ask("PATCH", "/users/me", fields)


@dataclass
class Account:
    email: str
    password: str
    client: Client
    id: str = ""


def code(response: httpx.Response) -> str:
    """Return the status and the problem's code."""
    try:
        told = response.json()
    except ValueError:
        return f"{response.status_code}"
    return (
        f"{response.status_code} {told['code']}"
        if isinstance(told, dict) and "code" in told
        else f"{response.status_code}"
    )
