"""Cache-Control and Vary of a route's answers (RFC 9111, RFC 9110 §12.5.5)."""

from collections.abc import Set

import msgspec

Fields = list[tuple[bytes, bytes]]

NO_STORE: Fields = [(b"cache-control", b"no-store")]
_BY_CALLER = {"principal", "claims", "cookies", "renew"}
"""Ambient parameters that make an answer depend on the caller."""


class CacheControl(msgspec.Struct, frozen=True, kw_only=True):
    """How long clients may reuse a GET route's answers. Without it answers are `no-store`, and errors always are."""

    seconds: int
    """Freshness lifetime (max-age). 0: stored, and revalidated before each use (no-cache), which needs `etag=True`."""
    public: bool = False
    """Shared caches, such as a CDN, may store the answer too. Only where it is the same for every caller."""
    stale_while_revalidate: int = 0
    """Seconds for which a stale answer may still be served while a cache revalidates it (RFC 5861 §3)."""

    def field(self) -> str:
        """The value of Cache-Control."""
        scope = "public" if self.public else "private"
        if not self.seconds:
            return f"{scope}, no-cache"
        stale = f", stale-while-revalidate={self.stale_while_revalidate}" if self.stale_while_revalidate else ""
        return f"{scope}, max-age={self.seconds}{stale}"


def caching_fault(cache: CacheControl, method: str, asks: bool, etag: bool, ambient: Set[str]) -> str | None:
    """The reason why a route cannot have this `cache`, or None. `asks` is whether its guard requires a token."""
    if method != "GET":
        return "cache is for GET; caches do not store answers to other methods."
    if cache.seconds < 0 or cache.stale_while_revalidate < 0:
        return "cache needs seconds of 0 or more."
    if not cache.seconds and (cache.stale_while_revalidate or not etag):
        return "cache with seconds=0 revalidates each time: it needs etag=True and no stale_while_revalidate."
    if "renew" in ambient:
        return "cache cannot store new tokens: leave out cache or renew."
    if cache.public and (asks or ambient & _BY_CALLER):
        asked = "a guard that requires a token" if asks else f"`{min(ambient & _BY_CALLER)}`"
        return f"a public answer is sent to every caller, but this one depends on the caller: it has {asked}."
    return None


def varies_by(asks: bool, ambient: Set[str]) -> list[str]:
    """The request fields that select a stored answer. `Cors` adds Origin to every answer, and the pipeline adds
    Accept-Encoding to those that it compresses for some clients."""
    by_caller = ["Authorization", "Cookie"] if asks or ambient & _BY_CALLER else []
    return by_caller + (["Accept-Language"] if "language" in ambient else [])


def caching_fields(cache: CacheControl | None, asks: bool, ambient: Set[str]) -> Fields:
    """The header fields of a route's successful answers, encoded once at start."""
    if cache is None:
        return NO_STORE
    varied = ", ".join(varies_by(asks, ambient))
    return [(b"cache-control", cache.field().encode()), *([(b"vary", varied.encode())] if varied else [])]


def vary_by(headers: Fields, field: bytes) -> None:
    """Add a request field to Vary, in its line if there is one: some caches, such as nginx before 1.23, read only one
    line."""
    for index, (name, value) in enumerate(headers):
        if name == b"vary":
            headers[index] = (name, value + b", " + field)
            return
    headers.append((b"vary", field))
