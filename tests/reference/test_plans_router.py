"""The reference system's tests of its plan routes, mirrored by name. It has no authentication there; here the client is
a superuser's. It reverses URLs inside the server; here the paths are written."""

import uuid

import httpx
import pytest

from tests.reference.conftest import Person

TIERS, TARGETS, RATE_LIMITS = "/api/plans/tiers", "/api/plans/tier-targets", "/api/plans/rate-limits"


@pytest.fixture
def client(client: httpx.AsyncClient, superuser: Person) -> httpx.AsyncClient:
    client.headers.update(superuser.headers)
    return client


class TestTierRoutes:
    async def test_get_tiers_empty(self, client: httpx.AsyncClient) -> None:
        response = await client.get(TIERS)
        assert response.status_code == 200
        assert response.json() == []

    async def test_create_tier_success(self, client: httpx.AsyncClient) -> None:
        response = await client.post(TIERS, json={"name": "premium"})
        assert response.status_code == 201
        data = response.json()
        assert data["name"] == "premium"
        assert "id" in data
        assert "created_at" in data

    async def test_create_tier_duplicate_name(self, client: httpx.AsyncClient) -> None:
        await client.post(TIERS, json={"name": "enterprise"})
        response = await client.post(TIERS, json={"name": "enterprise"})
        assert response.status_code == 400
        assert "already exists" in response.json()["message"].lower()

    async def test_get_tiers_with_data(self, client: httpx.AsyncClient) -> None:
        tiers = [uuid.uuid4().hex for _ in range(3)]
        for tier_name in tiers:
            await client.post(TIERS, json={"name": tier_name})
        response = await client.get(TIERS)
        assert response.status_code == 200
        data = response.json()
        assert len(data) >= 3
        assert all(tier_name in [tier["name"] for tier in data] for tier_name in tiers)

    async def test_get_tier_by_id_success(self, client: httpx.AsyncClient) -> None:
        tier_id = (await client.post(TIERS, json={"name": "basic"})).json()["id"]
        response = await client.get(f"{TIERS}/{tier_id}")
        assert response.status_code == 200
        data = response.json()
        assert data["id"] == tier_id
        assert data["name"] == "basic"

    async def test_get_tier_by_id_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{TIERS}/999")
        assert response.status_code == 404
        assert "not found" in response.json()["message"].lower()

    async def test_update_tier_success(self, client: httpx.AsyncClient) -> None:
        tier_id = (await client.post(TIERS, json={"name": "old_name"})).json()["id"]
        response = await client.put(f"{TIERS}/{tier_id}", json={"name": "new_name"})
        assert response.status_code == 200
        data = response.json()
        assert data["name"] == "new_name"
        assert data["id"] == tier_id

    async def test_update_tier_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.put(f"{TIERS}/999", json={"name": "new_name"})
        assert response.status_code == 404
        assert "not found" in response.json()["message"].lower()

    async def test_update_tier_duplicate_name(self, client: httpx.AsyncClient) -> None:
        await client.post(TIERS, json={"name": "tier1"})
        tier_id = (await client.post(TIERS, json={"name": "tier2"})).json()["id"]
        response = await client.put(f"{TIERS}/{tier_id}", json={"name": "tier1"})
        assert response.status_code == 400
        assert "already exists" in response.json()["message"].lower()

    async def test_delete_tier_success(self, client: httpx.AsyncClient) -> None:
        tier_id = (await client.post(TIERS, json={"name": "to_delete"})).json()["id"]
        response = await client.delete(f"{TIERS}/{tier_id}")
        assert response.status_code == 204
        assert (await client.get(f"{TIERS}/{tier_id}")).status_code == 404

    async def test_delete_tier_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.delete(f"{TIERS}/999")
        assert response.status_code == 404
        assert "not found" in response.json()["message"].lower()


class TestRateLimitRoutes:
    async def test_get_rate_limits_empty(self, client: httpx.AsyncClient) -> None:
        response = await client.get(RATE_LIMITS)
        assert response.status_code == 200
        assert response.json() == []

    async def test_get_rate_limit_by_id_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.get(f"{RATE_LIMITS}/999")
        assert response.status_code == 404
        assert "not found" in response.json()["message"].lower()

    async def test_update_rate_limit_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.put(f"{RATE_LIMITS}/999", json={"limit": 100})
        assert response.status_code == 404
        assert "not found" in response.json()["message"].lower()

    async def test_delete_rate_limit_not_found(self, client: httpx.AsyncClient) -> None:
        response = await client.delete(f"{RATE_LIMITS}/999")
        assert response.status_code == 404
        assert "not found" in response.json()["message"].lower()

    async def test_delete_rate_limit_success(self, client: httpx.AsyncClient) -> None:
        tier_id = (await client.post(TIERS, json={"name": "tier_for_delete_rl"})).json()["id"]
        target = {"target_type": "U", "target_id": "user_123", "name": "Test User"}
        target_id = (await client.post(f"{TARGETS}?tier_id={tier_id}", json=target)).json()["id"]
        rule = {"name": "limit_to_delete", "path": "/api/test", "limit": 100, "period": 60}
        rule_id = (await client.post(f"{RATE_LIMITS}?tier_target_id={target_id}", json=rule)).json()["id"]
        response = await client.delete(f"{RATE_LIMITS}/{rule_id}")
        assert response.status_code == 204
        assert (await client.get(f"{RATE_LIMITS}/{rule_id}")).status_code == 404


class TestEagerLoading:
    async def test_selective_eager_loading_difference(self, client: httpx.AsyncClient) -> None:
        tier_id = (await client.post(TIERS, json={"name": "test_eager_tier"})).json()["id"]
        response = await client.get(f"{TIERS}/{tier_id}")
        assert response.status_code == 200
        data = response.json()
        assert "id" in data
        assert "name" in data
