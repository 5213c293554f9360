"""How many streams and sockets a process has, in total and for each caller. Beyond its limit an account keeps the
newest ones: a browser that reconnects must not wait for connections that it has lost."""

from uuid import UUID

from api.kernel.errors import TOO_MANY_STREAMS, UNAVAILABLE
from api.kernel.live.clients import Client, clients_now

PER_SESSION, PER_ACCOUNT = 6, 20
"""Maximum clients of one sign-in and of one account in a process; the oldest ones are ended."""
PER_NETWORK = 200
"""Maximum clients of one network without an account; more are refused, because the others may be those of strangers."""
ENDING = 2
"""Factor of PER_ACCOUNT at which clients are refused: ended ones count until their connections are closed."""
SHARE = 0.8
"""Share of MAX_CONNECTIONS for live clients; the rest is for requests."""


class Places:
    def __init__(self, connections: int) -> None:
        self._most = int(connections * SHARE)
        self._held: dict[UUID | str, list[Client]] = {}
        self.total = 0

    def take(self, client: Client, known: UUID | None, network: str) -> None:
        """Count a client, for the caller that is known or else for the network, until `give`. Raises TOO_MANY_STREAMS,
        UNAVAILABLE."""
        if self.total >= self._most:
            raise UNAVAILABLE("Too many streams and sockets are open; try again shortly.")
        client.place = known or network
        held = self._held.get(client.place, [])
        if len(held) >= (PER_NETWORK if known is None else PER_ACCOUNT * ENDING):
            raise TOO_MANY_STREAMS
        if known is not None:
            _make_room([each for each in held if each.ids[1:] == client.ids[1:]], PER_SESSION)
            _make_room(held, PER_ACCOUNT)
        held.append(client)
        self._held[client.place] = held
        self.total += 1
        clients_now.add(1)

    def give(self, client: Client) -> None:
        """Count a client no longer."""
        held = self._held[client.place]
        held.remove(client)
        if not held:
            del self._held[client.place]
        self.total -= 1
        clients_now.add(-1)


def _make_room(held: list[Client], most: int) -> None:
    """End the oldest clients, so that one more is within the limit."""
    going_on = [client for client in held if not client.ends()]
    for client in going_on[: max(0, len(going_on) + 1 - most)]:
        client.end("too_many")
