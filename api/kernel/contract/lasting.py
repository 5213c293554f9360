"""OpenAPI descriptions of server-sent events and WebSockets."""

from typing import Any

from api.kernel.http.routing import Inputs, Route
from api.kernel.http.sse import EVENT_STREAM

_STREAM = (
    "Server-sent events, until the client disconnects. The data of each event has this schema; its `id` resumes the"
    ' stream within a day. The data of the events `resync` and `bye` is `{"reason": "…"}` instead, that of `changed`'
    ' `{"name": "…"}`. `resync`: events were missed, reload. `changed`, without an id: what it names has changed.'
    " `bye`: the reason why the stream ends (expired, signed_out, changed, age, restart, slow,"
    " too_many, unavailable, error); reconnect after `retry`, except after `too_many`."
)
_SOCKET = (
    'A WebSocket. Text messages `{"id", "event", "data"}`, first `begin`; the data of an event has the schema'
    " `x-events`, and its `id` resumes the connection within a day. `resync`: events were missed, reload."
    ' `changed`, without an id, with the data `{"name": "…"}`: what it names has changed, load it again.'
)
_RECEIVES = (
    " Each message of the client has the schema `x-messages` and is answered by a `reply`, whose data has the schema"
    " `x-replies`, or by a `problem`."
)
_CLOSES = (
    " Close codes: 1001 greatest age, 1003 not text or no messages accepted, 1008 too many messages, 1009 over 64 KiB,"
    " 1011 error, 1012 restart or rights changed, 1013 unavailable, 4401 expired or signed out, 4408 slow or silent,"
    " 4429 too many connections."
)
_AUTH_FRAME = (
    ' Without a token in the handshake, the first message must be `{"type": "auth", "token": "…"}`, within five'
    " seconds."
)


def resuming(route: Route) -> list[dict[str, Any]]:
    """Return the parameter with which a client resumes."""
    name, place = ("after", "query") if route.socket else ("Last-Event-ID", "header")
    about = "The id of the last event received; the stream continues after it."
    return [{"name": name, "in": place, "required": False, "description": about, "schema": {"type": "string"}}]


def stream_of(inputs: Inputs, schemas: dict[Any, Any]) -> dict[str, Any]:
    """The success response of a stream."""
    return {"200": {"description": _STREAM, "content": {EVENT_STREAM: {"schema": schemas[inputs.returns]}}}}


def socket_of(route: Route, inputs: Inputs, messages: Inputs | None, schemas: dict[Any, Any]) -> dict[str, Any]:
    """The success response of a handshake; `messages` are what the socket receives. OpenAPI cannot describe it, hence
    the x- fields."""
    found: dict[str, Any] = {"description": _SOCKET}
    found["description"] += (_AUTH_FRAME if route.auth_frame else "") + (_RECEIVES if messages else "") + _CLOSES
    if inputs.feed:
        found["x-events"] = schemas[inputs.returns]
    if messages is not None:
        found["x-messages"] = schemas[messages.body]
        found["x-replies"] = schemas.get(messages.returns, {"type": "null"})
    return {"101": found}
