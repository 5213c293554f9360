"""Whatever owner, retries and thief do in whatever order, a session has one line of tokens, or none."""

import asyncio

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.kernel.context import Context
from tests.sessions.signing import is_signed_in, refresh, sign_in

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refresh"), st.integers(0, 9)),  # with one of the tokens there have been
        st.tuples(st.just("wait"), st.just(0)),  # more than ten seconds
        st.tuples(st.just("logout"), st.integers(0, 9)),
    ),
    max_size=9,
)


async def test_one_line_of_tokens_or_none(live_client: httpx.AsyncClient, live: Context) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(steps=STEPS)
    def sequence(steps: list[tuple[str, int]]) -> None:
        asyncio.run_coroutine_threadsafe(follow(live_client, live, steps), loop).result(20)

    await asyncio.to_thread(sequence)


async def follow(client: httpx.AsyncClient, context: Context, steps: list[tuple[str, int]]) -> None:
    await context.db.fetch("delete from users")
    pairs = [await sign_in(client, context)]
    newest, in_grace, over = 0, False, False
    for step, number in steps:
        index = number % len(pairs)
        if step == "wait":
            await context.db.fetch("update sessions set rotated_at = rotated_at - interval '11 seconds'")
            in_grace = False
        elif step == "logout":
            bearer = {"authorization": f"Bearer {pairs[index]['access_token']}"}
            answer = await client.post("/api/auth/jwt/logout", headers=bearer)
            assert answer.status_code == (401 if over else 204)
            over = True
        else:
            answer = await refresh(client, pairs[index]["refresh_token"])
            if not over and index == newest:
                assert answer.status_code == 200
                pairs.append(answer.json())
                newest, in_grace = newest + 1, True
            elif not over and index == newest - 1 and in_grace:
                assert answer.json()["refresh_token"] == pairs[newest]["refresh_token"]
            else:
                assert answer.json()["code"] == ("REFRESH_TOKEN_INVALID" if over else "REFRESH_TOKEN_REUSED")
                over = True
    assert {await is_signed_in(client, pair) for pair in pairs} == {not over}
    assert len({pair["refresh_token"] for pair in pairs}) == len(pairs)
    assert (await refresh(client, pairs[newest]["refresh_token"])).status_code == (401 if over else 200)
