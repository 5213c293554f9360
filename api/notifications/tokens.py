"""Tokens of the links for unsubscribing (RFC 8058): `version.payload.signature`. They have no expiry, and permit one
change: to switch the mails of a group of kinds off, for one account. The payload is the account's id and the group."""

import base64
import hmac
from uuid import UUID

import msgspec

from api.kernel import Context, shared
from api.notifications import queries
from api.notifications.errors import UNSUBSCRIBE_TOKEN_INVALID
from api.notifications.types import Key

ALL = "*"
"""Stands for all groups, in digests of several."""
LONGEST = 200
KEPT_SECONDS = 30.0
_PURPOSE = b"unsubscribe mail "


class Unsubscription(msgspec.Struct, frozen=True):
    user_id: UUID
    group: str


async def make(context: Context, user_id: UUID, group: str) -> str:
    """Create a token with the newest key."""
    key = (await _keys(context))[0]
    payload = user_id.bytes + group.encode()
    return f"{key.version}.{_encode(payload)}.{_encode(_sign(key, payload))}"


async def read(context: Context, token: str) -> Unsubscription:
    """Read a token. A forged one causes no query. Raises UNSUBSCRIBE_TOKEN_INVALID."""
    version, _, rest = token[:LONGEST].partition(".")
    payload, _, _ = rest.partition(".")
    for key in await _keys(context):
        if str(key.version) == version:
            signed = _decode(payload)
            expected = f"{version}.{_encode(signed)}.{_encode(_sign(key, signed))}"
            if len(signed) > 16 and hmac.compare_digest(expected.encode(), token.encode("utf-8", "replace")):
                return Unsubscription(UUID(bytes=signed[:16]), signed[16:].decode())
    raise UNSUBSCRIBE_TOKEN_INVALID


async def _keys(context: Context) -> list[Key]:
    return await shared(context, KEPT_SECONDS, _list_keys)


async def _list_keys(context: Context) -> list[Key]:
    return await queries.list_keys(context.db)


def _sign(key: Key, payload: bytes) -> bytes:
    return hmac.digest(key.key, _PURPOSE + payload, "sha256")


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
