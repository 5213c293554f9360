"""A minimal browser: keeps cookies, and sends the XSRF-TOKEN cookie's value as Angular does. Unlike httpx's cookie jar,
it sends Secure cookies over plain http to localhost, as browsers do."""

import http.cookies
from collections.abc import Mapping
from typing import Any

import httpx


class Browser:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.cookies: dict[str, http.cookies.Morsel[str]] = {}

    async def request(
        self, method: str, path: str, *, xsrf: bool = True, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """Send a request. `xsrf=False` simulates a request from another site's page."""
        sent = dict(headers or {})
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items())
        if xsrf and "XSRF-TOKEN" in self.cookies and method != "GET":
            sent["x-xsrf-token"] = self.cookies["XSRF-TOKEN"].value
        response = await self._client.request(method, path, headers=sent, **options)
        self._client.cookies.clear()
        for line in response.headers.get_list("set-cookie"):
            for name, cookie in http.cookies.SimpleCookie(line).items():
                if cookie["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = cookie
        return response
