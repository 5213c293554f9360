"""A feature for the tests of callers, and of the keys that requests are counted by."""

from uuid import UUID, uuid4

import msgspec

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.errors import UNAVAILABLE, unauthorized
from api.kernel.feature import Feature
from api.kernel.http.cookies import Cookies
from api.kernel.http.routing import get, post
from api.kernel.identity.auth import TOKEN_INVALID, Claims, Principal, anyone, signed_in, superuser

ADA = Principal(id=uuid4(), sid=uuid7(), is_superuser=False, is_verified=True, roles=())
BOB = Principal(id=uuid4(), sid=uuid7(), is_superuser=False, is_verified=True, roles=())
BAD = unauthorized("TICKET_INVALID", "No such ticket.")
ASKED: list[UUID] = []
DOWN: list[bool] = []


async def read(context: Context) -> str:
    return "for everybody"


async def greet(principal: Principal | None) -> str:
    return str(principal.id) if principal else "guest"


async def wave(principal: Principal | None) -> str:
    return str(principal.id) if principal else "guest"


async def look_after(principal: Principal | None) -> str:
    return str(principal.id) if principal else "guest"


async def register() -> str:
    return "an account more"


async def show_me(principal: Principal) -> str:
    return str(principal.id)


async def administer() -> str:
    return "everything"


class Ticket(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    ticket: str | None = None


async def exchange(body: Ticket | None) -> str:
    if body is None or body.ticket is None or body.ticket.startswith("spent"):
        raise BAD
    return body.ticket


def by_ticket(context: Context, cookies: Cookies, body: Ticket | None) -> UUID | None:
    """Return the id that is the last word."""
    ticket = (body.ticket if body else cookies.get("ticket")) or ""
    return UUID(ticket.rpartition(" ")[2]) if " " in ticket else None


async def authenticate(context: Context, claims: Claims) -> Principal:
    ASKED.append(claims.sid)
    if DOWN:
        raise UNAVAILABLE
    for principal in (ADA, BOB):
        if claims.sid == principal.sid:
            return principal
    raise TOKEN_INVALID


CLUB = Feature(
    name="club",
    routes=[
        get("/read", read, guard=anyone),
        get("/greet", greet, guard=anyone),
        post("/wave", wave, guard=anyone),
        get("/look-after", look_after, guard=anyone, limit="off", degrades=True),
        post("/register", register, guard=anyone, limit="3/minute"),
        get("/me", show_me, guard=signed_in),
        get("/administer", administer, guard=superuser),
        post("/exchange", exchange, guard=anyone, limit="6/minute", by=by_ticket, errors=(BAD,)),
    ],
    authenticate=authenticate,
    recognise=by_ticket,
)
