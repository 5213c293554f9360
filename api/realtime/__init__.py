"""Realtime: a stream, and the same as a WebSocket, of what happens to one's account. Superusers also learn what
changes elsewhere. Features declare what is sent: events with `live = True`."""

from api.kernel import Feature
from api.realtime import routes

feature = Feature(name="realtime", routes=routes.routes)
