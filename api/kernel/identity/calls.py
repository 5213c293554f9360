"""Calls that count against a quota by the calendar: so many in a day or a month. The feature with `quotas` counts them
(Quota.take); http/metering.py asks it."""

from collections.abc import Callable, Mapping

import msgspec

from api.kernel.errors import QUOTA_EXCEEDED


class Call(msgspec.Struct, frozen=True):
    """A call that was let in, and the state of its quota afterwards."""

    name: str
    """The quota's public name: ASCII without quotes, commas and semicolons."""
    most: int
    """Calls that are allowed in a period."""
    length: int
    """Seconds of the current period."""
    left: int
    reset: int
    """Seconds until the next period."""
    give_back: Callable[[], None]
    """Count it no longer."""

    def headers(self) -> dict[str, str]:
        """Return RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11) of the quota."""
        return fields(self.name, self.most, self.length, self.left, self.reset)


def fields(name: str, most: int, length: int, left: int, reset: int) -> dict[str, str]:
    """Return RateLimit and RateLimit-Policy of a quota."""
    return {"ratelimit-policy": f'"{name}";q={most};w={length}', "ratelimit": f'"{name}";r={left};t={reset}'}


def exceeded(name: str, most: int, length: int, wait: int) -> QUOTA_EXCEEDED:
    """Return the error of a quota that is used up. Retry-After is `wait`, in seconds."""
    headers = fields(name, most, length, 0, wait) | {"retry-after": str(wait)}
    refusal = QUOTA_EXCEEDED(headers=headers)
    refusal.violated_policies = [name]
    return refusal


def joined(headers: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a response with the policy of a quota added to those of its limits."""
    names = ("ratelimit-policy", "ratelimit")
    return {**headers, **{name: ", ".join(each[name] for each in (headers, more) if name in each) for name in names}}
