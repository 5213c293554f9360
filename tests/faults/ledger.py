"""The clients, and their record of every call with its outcome. An acknowledged change must be stored; of a change with
unknown outcome, both states are right."""

import asyncio
import base64
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.factories import PASSWORD

CLIENTS = 16
GOOD_IN_A_ROW = 20
CHANGES = 12
"""Calls per account before the client continues with the next: registering and signing in are expensive."""


@dataclass
class Account:
    """A client's record of an account: each requested change of the name, and which were acknowledged."""

    email: str
    registered: str
    names: list[tuple[str, str]] = field(default_factory=list)
    resets: list[str] = field(default_factory=list)
    sessions: dict[UUID, int] = field(default_factory=dict)
    """The generation of each session of which the client has the token."""

    def possible_names(self) -> set[str | None]:
        """Return the last acknowledged name, and later ones with unknown outcome."""
        possible: set[str | None] = {None}
        for asked, outcome in self.names:
            if outcome == "acked":
                possible = {asked}
            elif outcome == "unknown":
                possible.add(asked)
        return possible

    def saw(self, name: str | None) -> None:
        """A name that was read must stay: an unknown change then counts as acknowledged."""
        self.names = [(asked, "acked" if asked == name else outcome) for asked, outcome in self.names]


class Ledger:
    """Clients at a fixed rate, and the outcomes of their calls: `acked`, `refused` (4xx), `down` (not sent),
    `unknown`."""

    def __init__(self, url: str, rate: float, seed: int) -> None:
        self.accounts: list[Account] = []
        self.acked = 0
        self.broken: list[str] = []
        """Answers that are wrong in any situation."""
        self.failed: list[str] = []
        """Calls that were down or unknown: allowed only if the fault interrupts the service."""
        self._url = url
        self._pause = CLIENTS / rate
        self._random = random.Random(seed)
        self._calls: list[tuple[float, float, bool]] = []
        """Calls of this load: end, duration, and success."""
        self._ending = asyncio.Event()

    async def run(self) -> None:
        """Call until `end`."""
        self._ending.clear()
        self._calls.clear()
        async with asyncio.TaskGroup() as clients:
            for _ in range(CLIENTS):
                clients.create_task(self._live())

    def end(self) -> None:
        self._ending.set()

    async def good_since(self, began: float) -> float:
        """Wait for GOOD_IN_A_ROW successful calls after that time. Returns the time of the first of them."""
        while True:
            row: list[float] = []
            for ended, _, good in self._calls:
                if ended > began:
                    row = [*row, ended] if good else []
                if len(row) == GOOD_IN_A_ROW:
                    return row[0]
            await asyncio.sleep(0.1)

    def good_between(self, began: float, over: float) -> list[float]:
        """Return the seconds of each successful call that ended in the interval."""
        return [seconds for ended, seconds, good in self._calls if good and began <= ended <= over]

    async def _live(self) -> None:
        async with httpx.AsyncClient(base_url=self._url, trust_env=False, timeout=20) as client:
            while not self._ending.is_set():
                email = f"{uuid4().hex}@example.com"
                body = {"email": email, "password": PASSWORD}
                sent: dict[str, Any] = {"json": body, "headers": {"idempotency-key": uuid4().hex}}
                outcome, _ = await self._call(client, "POST", "/api/auth/register", **sent)
                while outcome in ("down", "unknown") and not self._ending.is_set():
                    # Its answer may be lost, and the account exist. The key makes the repetition safe.
                    outcome, _ = await self._call(client, "POST", "/api/auth/register", **sent)
                if outcome in ("acked", "unknown"):
                    self.accounts.append(Account(email, outcome))
                if outcome == "acked":
                    await self._use(client, self.accounts[-1])

    async def _use(self, client: httpx.AsyncClient, account: Account) -> None:
        pair: dict[str, Any] = {}
        for change in range(CHANGES):
            if self._ending.is_set():
                return
            while not pair:
                pair = await self._sign_in(client, account)
                if self._ending.is_set():
                    return
            headers = {"authorization": f"Bearer {pair['access_token']}"}
            name = f"Name {change}"
            outcome, _ = await self._call(client, "PATCH", "/api/users/me", json={"name": name}, headers=headers)
            account.names.append((name, outcome))
            await self._look(client, account, headers)
            if change % 4 == 3:
                pair = await self._refresh(client, account, pair)
        outcome, _ = await self._call(client, "POST", "/api/auth/forgot-password", json={"email": account.email})
        account.resets.append(outcome)

    async def _look(self, client: httpx.AsyncClient, account: Account, headers: dict[str, str]) -> None:
        """Check that an acknowledged change is read."""
        outcome, user = await self._call(client, "GET", "/api/users/me", headers=headers)
        if outcome == "acked":
            if user["name"] not in account.possible_names():
                self.broken.append(f"{account.email} reads {user['name']} instead of {account.possible_names()}")
            account.saw(user["name"])

    async def _sign_in(self, client: httpx.AsyncClient, account: Account) -> dict[str, Any]:
        form = {"username": account.email, "password": PASSWORD}
        outcome, pair = await self._call(client, "POST", "/api/auth/jwt/login", data=form)
        assert outcome != "refused", "an acknowledged account cannot sign in"
        return _kept(account, pair)

    async def _refresh(self, client: httpx.AsyncClient, account: Account, pair: dict[str, Any]) -> dict[str, Any]:
        """Retry with the same token until there is an answer, like a client whose answer was lost."""
        began = time.monotonic()
        while not self._ending.is_set():
            body = {"refresh_token": pair["refresh_token"]}
            outcome, following = await self._call(client, "POST", "/api/auth/refresh", json=body)
            if outcome == "acked":
                return _kept(account, following)
            if outcome == "refused":
                assert time.monotonic() - began > 9, "a retry within the grace period signed its owner out"
                del account.sessions[_sid(pair)]  # for the server it may be stolen
                return {}
        return pair

    async def _call(self, client: httpx.AsyncClient, method: str, path: str, **sent: Any) -> tuple[str, dict[str, Any]]:
        answer: dict[str, Any] = {}
        began = time.monotonic()
        try:
            response = await client.request(method, path, **sent)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            outcome, told = "down", repr(error)
        except httpx.TransportError as error:
            outcome, told = "unknown", repr(error)
        else:
            status, told = response.status_code, f"{response.status_code} {response.text}"
            outcome = "acked" if status < 400 else "refused" if status < 500 else "unknown"
            if status == 409 and response.json()["code"] == "IDEMPOTENCY_IN_PROGRESS":
                outcome, status = "unknown", 503  # the transaction of a dead process may live for seconds
            answer = response.json() if outcome == "acked" and response.content else {}
            if status >= 400 and status != 503 and (path, status) != ("/api/auth/refresh", 401):
                self.broken.append(f"{method} {path} {told}")
        good, seconds = outcome in ("acked", "refused"), time.monotonic() - began
        self.acked += outcome == "acked"
        self.failed += [] if good else [f"{method} {path} {told} after {seconds:.1f} s"]
        self._calls.append((began + seconds, seconds, good))
        await asyncio.sleep(self._pause * self._random.uniform(0.5, 1.5) - seconds)
        return outcome, answer


def _kept(account: Account, pair: dict[str, Any]) -> dict[str, Any]:
    if pair:
        generation = base64.urlsafe_b64decode(pair["refresh_token"] + "==")[16:20]
        account.sessions[_sid(pair)] = int.from_bytes(generation)
    return pair


def _sid(pair: dict[str, Any]) -> UUID:
    claims = pair["access_token"].split(".")[1]
    return UUID(json.loads(base64.urlsafe_b64decode(claims + "=="))["sid"])
