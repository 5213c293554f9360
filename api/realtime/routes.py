"""Handlers and routes of realtime."""

import msgspec

from api.kernel import SUPERUSERS, Context, Feed, Happened, Principal, get, signed_in, websocket
from api.realtime.types import Change, OwnEvent, Ping, Pong


async def show_own(context: Context, event: Happened) -> OwnEvent:
    """Return an event with its fields, which its person may read."""
    data = msgspec.json.decode(event.data, type=dict[str, object])
    del data["type"]
    return OwnEvent(event.type, event.key, data)


async def show_change(context: Context, event: Happened) -> Change:
    """Return that something has changed, without content that would have to be authorized again."""
    return Change(event.type, event.key, event.person)


async def follow_events(context: Context, principal: Principal) -> Feed[OwnEvent | Change]:
    """Follow what happens to one's account: its profile, its sessions and its security history.

    Superusers also learn that something has changed elsewhere. `changed` names what has changed without an event, such
    as the deliveries of one's webhooks. Connect first, then load what you show: what happens in between is in both."""
    own: Feed[OwnEvent | Change] = Feed(show_own, person=principal.id, hints=principal.id)
    return own | Feed(show_change, hints=SUPERUSERS) if principal.is_superuser else own


async def answer_ping(body: Ping) -> Pong:
    """Answer a ping."""
    return Pong()


routes = [
    get("/events", follow_events, guard=signed_in, limit="120/minute"),
    websocket("/ws", follow_events, receives=answer_ping, guard=signed_in, limit="120/minute", auth_frame=True),
]
