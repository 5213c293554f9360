"""Three people who use the routes of accounts and sessions, with their mailboxes."""

import re
from typing import Any
from uuid import UUID

import httpx
import msgspec
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.users import queries
from api.users.tokens import digest
from tests.mailed import TASKS
from worker.queries import lease_tasks

LINK = re.compile(r"/([a-z-]+)#token=([\w-]{43})")
PURPOSES = ["verify", "reset", "invite", "confirm_email", "revert_email"]
ROUTES = {
    "verify": "/auth/verify",
    "reset-password": "/auth/reset-password",
    "accept-invitation": "/auth/reset-password",
    "confirm-email": "/auth/confirm-email",
    "revert-email": "/auth/revert-email",
}


class Letter(msgspec.Struct, frozen=True):
    to: str
    page: str
    token: str


class Person:
    """A person on a network of their own, with their passwords and tokens."""

    def __init__(self, app: Starlette, addresses: tuple[str, ...], network: str, *passwords: str) -> None:
        self.addresses = addresses
        self.passwords = [*passwords]
        self.letters: list[Letter] = []
        self.sessions: list[tuple[str, str]] = []
        """Pairs: access and refresh token."""
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, client=(network, 1234)), base_url="http://localhost:8000"
        )

    async def call(self, method: str, path: str, session: int | None = None, **body: Any) -> httpx.Response:
        """Check that the answer is no server error."""
        pair = self.sessions[session % len(self.sessions)] if self.sessions and session is not None else None
        headers = {"authorization": f"Bearer {pair[0]}"} if pair else {}
        answer = await self.client.request(method, f"/api{path}", json=body or None, headers=headers)
        assert answer.status_code < 500, (method, path, answer.text)
        if "x-access-token" in answer.headers:
            self.sessions.append((answer.headers["x-access-token"], answer.headers["x-refresh-token"]))
        return answer

    async def sign_in(self, email: str, password: str) -> bool:
        form = {"username": email, "password": password}
        answer = await self.client.post("/api/auth/jwt/login", data=form)
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            self.sessions.append((answer.json()["access_token"], answer.json()["refresh_token"]))
        return answer.status_code == 200

    async def refresh(self, session: int) -> None:
        if self.sessions:
            answer = await self.call(
                "POST", "/auth/refresh", refresh_token=self.sessions[session % len(self.sessions)][1]
            )
            if answer.status_code == 200:
                self.sessions.append((answer.json()["access_token"], answer.json()["refresh_token"]))

    async def follow(self, letter: Letter, password: str | None = None) -> httpx.Response:
        """Send the request of the page behind a link."""
        takes_password = letter.page not in ("confirm-email",)
        body: dict[str, Any] = {"password": password} if password and takes_password else {}
        return await self.call("POST", ROUTES[letter.page], token=letter.token, **body)


async def deliver(context: Context, *people: Person) -> None:
    """Run the worker's tasks; each mail goes to the reader of its address."""
    assert isinstance(context.mail, MemoryMailer)
    context.mail.sent.clear()
    while leased := await lease_tasks(context.db, list(TASKS), 100, 30):
        for each in leased:
            await TASKS[each.task].run(context, each.id, each.lease)
    for mail in context.mail.sent:
        for page, token in set(LINK.findall(mail.text)):
            for person in people:
                if mail.to in person.addresses:
                    person.letters.append(Letter(mail.to, page, token))


async def account_of(context: Context, email: str) -> UUID | None:
    return await queries.find_id(context.db, email)


async def owner_of(context: Context, letter: Letter) -> UUID | None:
    """Return the account of a link, valid or not."""
    rows = await context.db.fetch("select user_id from user_tokens where token_hash = $1", digest(letter.token))
    return rows[0]["user_id"] if rows else None


async def opens(context: Context, letter: Letter) -> UUID | None:
    """Return the account that the link would change now."""
    found = await queries.find_token(context.db, digest(letter.token), PURPOSES)
    return found.user_id if found else None


async def live_sessions(context: Context, person: Person) -> set[UUID]:
    """Return the accounts that the person is signed in to."""
    sids = {context.tokens.verify(access).sid for access, _ in person.sessions}
    rows = await context.db.fetch(
        """select sessions.user_id from sessions join users on users.id = sessions.user_id
            where sessions.id = any($1) and ended_at is null and users.is_active
              and (sessions.created_at >= users.credentials_changed_at
                   or sessions.id = users.credentials_changed_by)""",
        list(sids),
    )
    return {row["user_id"] for row in rows}
