"""Messages of WebSocket clients, handled by the route's `receives`: each with a deadline, a limit and the caller's
current account."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.types import Scope

from api.kernel.context import Context, origin
from api.kernel.http.callers import Caller
from api.kernel.http.cookies import Cookies
from api.kernel.http.routing import Route, inputs_of, operation_id
from api.kernel.identity.auth import Principal
from api.kernel.identity.limits import Policy
from api.kernel.input.conversion import convert
from api.kernel.input.decoding import decode_json
from api.kernel.input.paths import path_decoder
from api.kernel.input.uploads import Upload
from api.kernel.settings import rate

Answer = Callable[[bytes], Awaitable[Any]]


def as_post(route: Route) -> Route:
    """A socket's `receives` as a POST route whose body is the message."""
    assert route.receives is not None
    options: dict[str, Any] = {"method": "POST", "handler": route.receives, "socket": False, "receives": None}
    return msgspec.structs.replace(route, **options)


class Receiver:
    """A route's `receives`, compiled at start."""

    def __init__(self, route: Route) -> None:
        post = as_post(route)
        self.handler, self.inputs = post.handler, inputs_of(post)
        if self.inputs.body in (None, bytes, Upload) or not self.inputs.ambient <= {"context", "principal", "claims"}:
            raise TypeError(
                f"{operation_id(post)}: the message is `body`; only context, principal, claims and path parameters are"
                " allowed besides it."
            )
        self._path = {name: path_decoder(kind) for name, kind in self.inputs.path.items()}
        own = rate(route.messages)
        self._policy = Policy(f"{operation_id(post)}Messages", own) if own else None

    def answer(
        self,
        context: Context,
        scope: Scope,
        caller: Caller,
        look_again: Callable[[], Awaitable[Principal | None]],
        call: Callable[..., Awaitable[Any]],
    ) -> Answer:
        """Return the function that answers the messages of one connection."""
        fixed = {name: decode(scope["path_params"][name]) for name, decode in self._path.items()}
        fixed |= {"context": context, "claims": caller.claims}
        known = str(caller.known) if caller.known else None
        kind: Any = self.inputs.body
        address = origin.get().address

        async def answer(message: bytes) -> Any:
            if self._policy is not None:
                await context.limiter.charge(context.limiter.own(self._policy, known, address))
            body: Any = convert(decode_json(message), kind)
            given = {**fixed, "principal": await look_again(), "body": body}
            names = {*self.inputs.path, *self.inputs.ambient, "body"}
            return await call({name: given[name] for name in names}, Cookies({}), self.handler)

        return answer
