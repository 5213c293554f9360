"""Limits on guessing: charged before a password is verified, refunded on success, stricter without Redis."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.kernel.data.cache import Cache, open_cache
from api.kernel.identity.limits import Limit, Limiter, Policy, Verdict, network_of
from api.kernel.settings import Rate, Settings
from tests.kernel.test_limits import passes

FIVE = Rate(5, 900)
ACCOUNT, DEVICE, NETWORK = Policy("account", FIVE), Policy("device", FIVE), Policy("network", Rate(30, 900))
NOWHERE = Cache({})


@pytest.fixture(scope="module")
def strict(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, rate_limit_credentials=1.0)


async def how_many(limiter: Limiter, limits: list[Limit], most: int = 50) -> int:
    """Return how many attempts pass until one is refused."""
    for count in range(most):
        if not await passes(limiter, limits):
            return count
    return most


async def test_guesses_are_counted_by_account(strict: Settings, cache: Cache) -> None:
    """C-52."""
    limiter = Limiter(strict, cache)
    ada, bob = (limiter.credentials(ACCOUNT, f"{name}@example.com") for name in ("ada", "bob"))
    assert await how_many(limiter, ada) == 5
    assert await how_many(limiter, bob) == 5
    device = limiter.credentials(DEVICE, "ada@example.com", "a device that is known")
    assert await how_many(limiter, device) == 5, "guesses from elsewhere do not count"


def test_a_key_does_not_reveal_the_input(strict: Settings) -> None:
    limiter = Limiter(strict, NOWHERE)
    [limit] = limiter.credentials(ACCOUNT, "hunter2")
    assert "hunter2" not in str(limit)
    assert limit.key.startswith("quota:account:")
    pairs = [("a", "b"), ("ab",), ("a\nb", ""), ("", "a", "b"), ("a", "b", "")]
    assert len({limiter.credentials(ACCOUNT, *whose)[0].key for whose in pairs}) == len(pairs)


@pytest.mark.parametrize(("factor", "counts"), [(1.0, [5]), (2.0, [10]), (0.01, [1]), (None, [])])
def test_the_one_switch_for_credentials_scales_or_lifts_them(
    settings: Settings, factor: float | None, counts: list[int]
) -> None:
    limiter = Limiter(msgspec.structs.replace(settings, rate_limit_credentials=factor), NOWHERE)
    assert [limit.rate.count for limit in limiter.credentials(ACCOUNT, "x")] == counts


@pytest.mark.parametrize("count", [1, 2, 5, 10, 30])
async def test_without_redis_a_process_allows_half_as_much(nowhere: Settings, count: int) -> None:
    """C-56: stricter, because each process counts for itself; at least one is allowed."""
    async with open_cache(nowhere) as down:
        limiter = Limiter(msgspec.structs.replace(nowhere, rate_limit_credentials=1.0), down)
        limits = limiter.credentials(Policy("account", Rate(count, 900)), "ada")
        first = await limiter.charge(limits)
        assert await how_many(limiter, limits) == max(1, count // 2) - 1
        await limiter.refund(first)
        assert [await passes(limiter, limits), await passes(limiter, limits)] == [True, False]


STEPS = st.lists(st.sampled_from(["charge", "refund"]), max_size=25)


@given(STEPS, st.integers(1, 6))
@examples(max_examples=40, deadline=None)
async def test_a_refund_undoes_a_charge_in_redis_and_in_memory(
    settings: Settings, steps: list[str], count: int
) -> None:
    """With a rate per day, to which the milliseconds of a test do not matter."""
    limit = Limit("limit:refunded", "refunded", Rate(count, 86400))
    async with open_cache(settings) as cache:
        await cache.delete(limit.key)
        limiters = Limiter(settings, cache), Limiter(settings, Cache({"port": 1}))
        charged: list[list[Verdict]] = []
        for step in steps:
            if step == "refund" and charged:
                for limiter, verdict in zip(limiters, charged.pop(), strict=True):
                    await limiter.refund(verdict)
            elif step == "charge" and len(charged) < count:
                charged.append([await limiter.charge([limit]) for limiter in limiters])
                assert [verdict.counts[0].left for verdict in charged[-1]] == [count - len(charged)] * 2
            elif step == "charge":
                assert [await passes(limiter, [limit]) for limiter in limiters] == [False] * 2


async def test_a_refund_is_exact_for_each_limit(strict: Settings, cache: Cache) -> None:
    limiter = Limiter(strict, cache)
    network = limiter.credentials(NETWORK, "192.0.2.0/24")
    account = limiter.credentials(ACCOUNT, "ada")
    for _ in range(50):
        await limiter.refund(await limiter.charge(network + account))
    assert await how_many(limiter, account) == 5
    assert await how_many(limiter, network) == 30


async def test_a_refund_of_a_lost_count_does_nothing(strict: Settings, cache: Cache) -> None:
    limiter = Limiter(strict, cache)
    limits = limiter.credentials(ACCOUNT, "ada")
    charged = await limiter.charge(limits)
    await cache.execute("FLUSHDB")
    await limiter.refund(charged)
    await limiter.refund(await limiter.charge([]))
    assert await cache.execute("KEYS", "quota:*") == []
    assert await how_many(limiter, limits) == 5


async def test_a_fully_refunded_window_leaves_redis_at_once(strict: Settings, cache: Cache) -> None:
    limiter = Limiter(strict, cache)
    await limiter.refund(await limiter.charge(limiter.credentials(ACCOUNT, "ada")))
    assert await cache.execute("KEYS", "quota:*") == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2ff:3:4:5:6", "2001:db8:1:200::/56"),
        ("fe80::1%eth0", "fe80::/56"),
        (None, "unknown"),
    ],
)
def test_a_customers_network_is_wider_than_a_clients_address(address: str | None, network: str) -> None:
    """C-54."""
    assert network_of(address, (24, 56)) == network
