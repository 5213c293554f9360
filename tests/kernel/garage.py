"""A feature with one route of each kind, for the tests of its OpenAPI document."""

import enum
import json
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from api.kernel.contract.openapi import document
from api.kernel.errors import conflict, problem
from api.kernel.feature import Feature
from api.kernel.http.paging import Page
from api.kernel.http.routing import ACCEPTED, Reply, get, patch, post
from api.kernel.identity.auth import Claims, Principal, anyone, holder, role, signed_in, superuser


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Wheel(msgspec.Struct, forbid_unknown_fields=True):
    inches: Annotated[int, msgspec.Meta(ge=10, examples=[28])]


class Car(msgspec.Struct, forbid_unknown_fields=True, tag="car"):
    wheels: list[Wheel]


class Bike(msgspec.Struct, forbid_unknown_fields=True, tag="bike"):
    wheel: Wheel
    colour: Colour = Colour.RED


class Search(msgspec.Struct, forbid_unknown_fields=True):
    q: Annotated[str, msgspec.Meta(description="What to look for.")]
    limit: Annotated[int, msgspec.Meta(ge=1, le=100, description="How many.")] = 20
    colour: Colour | None = None
    sort: Literal["name", "-name"] = "name"
    tag: list[str] = []
    since: datetime | None = None


class Made(msgspec.Struct, forbid_unknown_fields=True):
    """What to make."""

    name: Annotated[str, msgspec.Meta(examples=["Rosie"])]
    colour: Colour | None = None
    spare: Wheel | None = None


class Form(msgspec.Struct, forbid_unknown_fields=True):
    unexampled: str
    exampled: Annotated[str, msgspec.Meta(examples=["x"])]
    optional: Annotated[int, msgspec.Meta(ge=1)] | None = None


SOLD = conflict("SOLD", "It is sold.")
BROKEN = problem(409, "BROKEN", "It is broken.")


async def list_vehicles(query: Search) -> list[Car | Bike]:
    """Look for vehicles.

    Longer words."""
    return []


async def make_vehicle(body: Made) -> Car | Bike | None:
    """Make one."""
    return None


async def buy_vehicle(id: UUID, form: Form, principal: Principal) -> dict[str, Wheel]:
    """Buy one."""
    return {}


async def paint(id: UUID) -> Colour:
    """Paint it."""
    return Colour.BLUE


async def show_vehicle(id: UUID, principal: Principal) -> Car:
    """One of them."""
    return Car([])


async def change_vehicle(id: UUID, body: Made, if_match: str | None) -> Car:
    """Change it, if it is what one thinks."""
    return Car([])


async def return_keys(claims: Claims, body: Made | None) -> Car | Reply:
    """For former owners, too."""
    return ACCEPTED


async def page_through_vehicles(query: Search) -> Page[Car]:
    """A part of them."""
    return Page(items=[], next_cursor=None, total=0)


async def honk() -> Reply:
    """Make a noise."""
    return Reply(content=b"")


async def scrap(id: UUID, part: str) -> None:
    """Throw it away."""


GARAGE = Feature(
    name="garage",
    routes=[
        get("/vehicles", list_vehicles, guard=anyone, limit="off"),
        post("/vehicles", make_vehicle, guard=signed_in, status=201),
        post("/vehicles/{id}", buy_vehicle, guard=role("buyer"), errors=(SOLD, BROKEN)),
        post("/vehicles/{id}/paint", paint, guard=superuser),
        get("/vehicles/{id}", show_vehicle, guard=signed_in, etag=True),
        patch("/vehicles/{id}", change_vehicle, guard=signed_in, etag=True),
        post("/keys", return_keys, guard=holder),
        get("/pages", page_through_vehicles, guard=anyone),
        get("/honk", honk, guard=anyone),
        post("/vehicles/{id}/{part}", scrap, guard=anyone, status=204),
    ],
)
THEIRS = json.loads(document([GARAGE]))
