"""An account in each state, the credentials for it, and each action that changes them. handover_table.py has the
results."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable

import httpx
import msgspec

from api.kernel.context import Context
from api.superuser import promote
from api.users.tokens import digest
from api.users.types import User
from tests.factories import PASSWORD, make_user
from tests.users.handover_table import STATES
from tests.users.people import can_sign_in, is_signed_in, renewed, sign_in

ADA, EVE, NEXT = "ada@example.com", "eve@example.org", "next@example.net"
CHOSEN = "a better horse and battery"
LINKS = {"verify": "verify", "reset": "reset", "invite": "invite", "confirm": "confirm_email", "revert": "revert_email"}


class World(msgspec.Struct):
    """An account in a state, and the credentials for it."""

    client: httpx.AsyncClient
    context: Context
    user: User
    state: str
    own: dict[str, str] = {}
    other: dict[str, str] = {}
    root: dict[str, str] = {}
    links: dict[str, str] = {}
    """Tokens that the action does not use, by purpose."""
    used: dict[str, str] = {}
    """Tokens that it may use."""


# The query of spend_token without the check of is_active: a link may become valid again.
GOOD = """
select 1
  from user_tokens join users on users.id = user_tokens.user_id
 where token_hash = $1 and used_at is null
   and case purpose when 'revert_email' then true
                    when 'confirm_email' then user_tokens.email = pending_email
                    else user_tokens.email = users.email end
"""


async def make_world(client: httpx.AsyncClient, context: Context, state: str) -> World:
    held = STATES[state][1].split()
    address = EVE if state == "moved" else ADA
    user = await make_user(context, address, verified=state not in ("unproved", "invited"))
    await make_user(context, "root@example.com", superuser=True)
    world = World(client, context, user, state, root=await sign_in(client, "root@example.com"))
    if "session" in held:
        world.own, world.other = await sign_in(client, address), await sign_in(client, address)
    change = {
        "unproved": f"pending_email = '{NEXT}'",
        "invited": "password_hash = null",
        "proved": f"pending_email = '{NEXT}'",
        "moved": f"pending_email = '{NEXT}'",
        "leaving": "deletion_requested_at = now(), delete_after = now() + interval '1 day'",
        "disabled": "is_active = false",
    }[state]
    await context.db.fetch(f"update users set name = 'Ada', {change} where id = $1", user.id)
    for number, name in enumerate([*(each for each in held if each in LINKS), *(["later"] if "later" in held else [])]):
        for kept in (world.used, world.links):
            kept[name] = secrets.token_urlsafe(32)
            to = {"confirm": NEXT, "revert": ADA, "later": EVE}.get(name, address)
            await context.db.fetch(
                "insert into user_tokens (token_hash, user_id, purpose, email, expires_at, created_at)"
                " values ($1, $2, $3, $4, now() + '1 hour'::interval, now() + $5::integer * '1 second'::interval)",
                hashlib.sha256(kept[name].encode()).digest(),
                user.id,
                LINKS.get(name, "revert_email"),
                to,
                number,
            )
    return world


async def left(world: World, answer: httpx.Response | None) -> set[str]:
    """Return the credentials that are still valid; `new` is a session that replaces the caller's."""
    context, found = world.context, set[str]()
    rows = await context.db.fetch("select * from users where id = $1", world.user.id)
    if not rows:
        return {"nothing"}
    row = rows[0]
    found |= {"session"} if world.other and await is_signed_in(world.client, world.other) else set()
    found |= {"own"} if world.own and await is_signed_in(world.client, world.own) else set()
    if answer is not None and "x-access-token" in answer.headers:
        found |= {"new"} if await is_signed_in(world.client, renewed(answer)) else set()
    for name, token in world.links.items():
        good = await context.db.fetch(GOOD, digest(token))
        if good and not (name == "verify" and row["is_verified"]):
            found.add(name)
    found |= {"name"} if row["name"] == "Ada" else set()
    found |= {"deletion"} if row["delete_after"] else set()
    if row["password_hash"] and row["is_active"]:
        found |= {"password"} if await can_sign_in(world.client, row["email"], PASSWORD) else set()
    elif row["password_hash"]:
        found |= {"password"} if await context.passwords.verify(row["password_hash"], PASSWORD) else set()
    return found


Action = Callable[[World], Awaitable[httpx.Response | None]]


def link(path: str, name: str, **body: str) -> Action:
    async def act(world: World) -> httpx.Response:
        token = world.used.get(name, "none")
        return await world.client.post(f"/api/auth/{path}", json={"token": token, **body})

    return act


def own(method: str, path: str, **body: str) -> Action:
    async def act(world: World) -> httpx.Response:
        return await world.client.request(method, f"/api{path}", json=body, headers=world.own)

    return act


def admin(**body: object) -> Action:
    async def act(world: World) -> httpx.Response:
        return await world.client.patch(f"/api/users/{world.user.id}", json=body, headers=world.root)

    return act


async def verify_in_session(world: World) -> httpx.Response:
    body = {"token": world.used.get("verify", "none")}
    return await world.client.post("/api/auth/verify", json=body, headers=world.own)


async def command(world: World) -> None:
    await promote(world.context, world.user.email)


ACTIONS: dict[str, Action] = {
    "verify": link("verify", "verify"),
    "verify, signed in": verify_in_session,
    "verify with a password": link("verify", "verify", password=CHOSEN),
    "reset the password": link("reset-password", "reset", password=CHOSEN),
    "accept the invitation": link("reset-password", "invite", password=CHOSEN),
    "confirm the new address": link("confirm-email", "confirm"),
    "revert the change": link("revert-email", "revert"),
    "revert with a password": link("revert-email", "revert", password=CHOSEN),
    "revert to the later address": link("revert-email", "later"),
    "change the password": own("POST", "/users/change-password", current_password=PASSWORD, new_password=CHOSEN),
    "request deletion": own("DELETE", "/users/me", current_password=PASSWORD),
    "administrator: superuser": admin(is_superuser=True),
    "administrator: role": admin(roles=["writer"]),
    "administrator: verified": admin(is_verified=True),
    "administrator: password": admin(password=CHOSEN),
    "administrator: address": admin(email="other@example.com"),
    "administrator: address, verified": admin(email="other@example.com", is_verified=True),
    "administrator: disable": admin(is_active=False),
    "make superuser": command,
}
