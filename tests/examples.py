"""A feature's test data for the tests that cover every feature: its tests/<feature>/examples.py, found by the feature's
name. docs/architecture.md lists what such a file may define; a new feature changes no other test file."""

import functools
import importlib
import importlib.util
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import ModuleType
from typing import Any
from uuid import UUID

import msgspec

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.feature import Feature
from api.kernel.http.routing import Route
from api.users.types import User
from tests.transcript import Transcript

EVERYBODY, SIGNED_IN, SUPERUSERS = "everybody", "signed in", "superusers"
HOLDERS = "holders"
"""Holders of a token, even of an expired one."""
OWNERS = "owners"
"""Only the owner; for all others the resource does not exist."""
VISITORS = "visitors"
"""Need no token, but a token that is sent must be valid."""
BROWSERS = "browsers"
"""Authenticated by cookies; a token in a header is ignored."""
_HOLDERS_OF = "holders of "

Things = Callable[[Context, User, UUID], Awaitable[Mapping[str, Mapping[str, object]]]]
Page = Callable[[Transcript, Context, dict[str, str]], Awaitable[None]]


def holders_of(role: str) -> str:
    """Return the callers that `guard=role(…)` admits: those with the role, and superusers."""
    return _HOLDERS_OF + role


def role_of(let_in: str) -> str | None:
    """Return the role of a result of `holders_of`."""
    return let_in.removeprefix(_HOLDERS_OF) if let_in.startswith(_HOLDERS_OF) else None


class Examples:
    """The examples of a feature."""

    def __init__(self, feature: str, module: ModuleType | None) -> None:
        self.file = f"tests/{feature}/examples.py"
        found = vars(module) if module else {}
        self.access: Mapping[str, str] = found.get("ACCESS", {})
        """The callers that each route admits, by `POST /notes`. Repeats the guard, so that a wrong guard is noticed."""
        self.things: Things | None = found.get("things")
        """Returns an account's resources and their ids, as parameters of each path with that prefix."""
        self.twice: Mapping[str, Sequence[type]] = found.get("TWICE", {})
        """The events of the feature's tasks, by the state of the account (an assignment in SQL, or nothing)."""
        self.values: Mapping[str, object] = found.get("VALUES", {})
        """Values of event fields, by name, in addition to user_id, email, language and session_id."""
        self.effects: Sequence[str] = found.get("EFFECTS", ())
        """Statements that return one value, which a task changes once."""
        self.page: Page | None = found.get("page")
        """Shows the feature's routes in docs/api.md, with the headers of a superuser."""


def _load(feature: str) -> Examples:
    name = f"tests.{feature}.examples"
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    return Examples(feature, importlib.import_module(name) if found else None)


EXAMPLES = {feature.name: _load(feature.name) for feature in FEATURES}
ROUTES = {f"{route.method} {route.path}": (feature.name, route) for feature in FEATURES for route in feature.routes}


def over_http(features: Sequence[Feature]) -> list[Feature]:
    """The features with each WebSocket as the stream of its Feed: a handshake needs a connection, and the guard, the
    limit and the handler are the same."""
    return [
        msgspec.structs.replace(
            feature, routes=[_as_stream(route) if route.socket else route for route in feature.routes]
        )
        for feature in features
    ]


def _as_stream(route: Route) -> Route:
    @functools.wraps(route.handler)
    async def handler(**arguments: Any) -> Any:
        return await route.handler(**arguments)

    handler.__name__ += "_socket"  # an operation's name is given once, and the same handler may open a stream
    return msgspec.structs.replace(route, handler=handler, socket=False, receives=None, auth_frame=False)


async def things_of(context: Context, user: User, sid: UUID) -> dict[str, Mapping[str, object]]:
    """Return the parameters of every path, for resources of the account."""
    found: dict[str, Mapping[str, object]] = {}
    for examples in EXAMPLES.values():
        if examples.things:
            found |= await examples.things(context, user, sid)
    return found


def filled(route: Route, things: Mapping[str, Mapping[str, object]], file: str) -> str:
    """Return the route's path with the ids of a resource, and the query that is named `?`. Raises AssertionError naming
    what to write in `file`."""
    names = re.findall(r"{(\w+)}", route.path)
    beginning = max((each for each in things if route.path.startswith(each)), key=len, default="")
    known: Mapping[str, Any] = things.get(beginning, {})
    assert set(names) <= known.keys(), f"{file}: return {names} of {route.path} from `things`"
    query = f"?{known['?']}" if "?" in known else ""
    return "/api" + re.sub(r"{(\w+)}", lambda name: str(known[name[1]]), route.path) + query
