"""Plans in tests: a superuser's client, and shorthand for tiers, targets and rate limits."""

from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from api.users.types import User
from tests.factories import make_user
from tests.sessions.signing import bearer, login


class Operator:
    """A superuser who changes plans. In this process, changes apply immediately."""

    def __init__(self, client: httpx.AsyncClient, context: Context, headers: dict[str, str]) -> None:
        self.client, self.context, self.headers = client, context, headers

    async def send(self, method: str, path: str, expected: int, **options: Any) -> Any:
        """Send a request, and return the body of its answer, which has the expected status."""
        headers = self.headers | options.pop("headers", {})
        answer = await self.client.request(method, f"/api/plans{path}", headers=headers, **options)
        assert answer.status_code == expected, answer.text
        self.context.cache.flights.clear()  # instead of waiting for it to expire
        return answer.json() if answer.content else None

    async def tier(self, name: str = "pro") -> int:
        return int((await self.send("POST", "/tiers", 201, json={"name": name}))["id"])

    async def target(self, tier: int, target_type: str, target_id: object) -> int:
        body = {"target_type": target_type, "target_id": str(target_id)}
        return int((await self.send("POST", f"/tier-targets?tier_id={tier}", 201, json=body))["id"])

    async def rule(self, target: int, path: str, limit: int, period: int = 60, **more: object) -> dict[str, Any]:
        body = {"path": path, "limit": limit, "period": period, **more}
        return dict(await self.send("POST", f"/rate-limits?tier_target_id={target}", 201, json=body))

    async def effective(self, target_type: str, target_id: object, path: str) -> dict[str, Any]:
        asked = {"target_type": target_type, "target_id": str(target_id), "path": path}
        return dict(await self.send("GET", "/effective", 200, params=asked))


class Someone:
    """An account that is signed in."""

    def __init__(self, client: httpx.AsyncClient, user: User, headers: dict[str, str]) -> None:
        self.client, self.id, self.email, self.headers = client, user.id, user.email, headers

    async def get(self, path: str = "/users/me") -> httpx.Response:
        return await self.client.get(f"/api{path}", headers=self.headers)

    async def allowed(self, calls: int, path: str = "/users/me") -> int:
        """Return how many of so many calls are allowed."""
        return sum([(await self.get(path)).status_code == 200 for _ in range(calls)])


async def someone(client: httpx.AsyncClient, context: Context, **options: Any) -> Someone:
    user = await make_user(context, **options)
    return Someone(client, user, bearer((await login(client, user.email)).json()))


@pytest.fixture
async def operator(client: httpx.AsyncClient, context: Context) -> Operator:
    root = await someone(client, context, superuser=True)
    return Operator(client, context, root.headers)


@pytest.fixture
async def ada(client: httpx.AsyncClient, context: Context) -> Someone:
    return await someone(client, context)
