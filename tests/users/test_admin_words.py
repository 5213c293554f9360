"""user_words holds the words of each account, by which searches find it."""

from uuid import UUID

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from tests.factories import make_user

pytestmark = pytest.mark.case(350)

DIFFERENT = """
select count(*)
  from user_words
  full join (select id, unnest(tsvector_to_array(search)) as word from users) as needed
    on user_words.user_id = needed.id and user_words.word = needed.word
 where user_words.user_id is null or needed.id is null
"""
CHANGES = [
    "name = 'Élodie'",
    "name = 'elodie other'",
    "email = 'other@example.net'",
    "roles = '{notifier,elodie}'",
    "is_active = false",
    "name = null, roles = '{}', is_active = true",
    "name = ''",
]


async def words_of(context: Context, id: UUID) -> set[str]:
    return {row[0] for row in await context.db.fetch("select word from user_words where user_id = $1", id)}


async def different(context: Context) -> int:
    [row] = await context.db.fetch(DIFFERENT)
    return int(row[0])


async def test_each_statement_on_accounts_keeps_their_words(context: Context) -> None:
    """C-350: the trigger, whichever release or person writes."""
    for number in range(3):
        await make_user(context, f"ada{number}@example.com")
    for change in CHANGES:
        await context.db.fetch(f"update users set {change} where email like 'ada1@%' or email like 'other@%'")
        assert await different(context) == 0, change
    await context.db.fetch("delete from users where email like 'ada%'")
    assert await different(context) == 0
    await context.db.fetch("delete from users")
    assert await context.db.fetch("select from user_words") == []


async def test_nothing_is_left_of_a_deleted_account(admin: httpx.AsyncClient, context: Context) -> None:
    """C-350."""
    user = await make_user(context, "gone@example.com")
    await admin.patch(f"/api/users/{user.id}", json={"name": "Graça Gone"})
    assert await words_of(context, user.id) == {".gone", ".example", ".com", ".graca", "+active"}
    assert (await admin.delete(f"/api/users/{user.id}")).status_code == 204
    assert await words_of(context, user.id) == set()


async def test_an_address_that_is_taken_leaves_no_words(context: Context) -> None:
    """C-350: `on conflict do nothing` writes no row."""
    await make_user(context, "ada@example.com")
    statement = "insert into users (id, email, name) values ($1, 'ada@example.com', 'Eve') on conflict do nothing"
    await context.db.fetch(statement, id := uuid7())
    assert await words_of(context, id) == set()
