"""0041: the words of accounts from before it, beside requests."""

import shutil
import threading
import time
from pathlib import Path

import psycopg
import pytest

from migrations.__main__ import FOLDER, migrate
from tests.migrations.test_migrations import NAMES
from tests.patient import SECONDS
from tests.users.test_admin_words import DIFFERENT

pytestmark = pytest.mark.case(350)

OPEN = """
insert into users (id, email, name)
select gen_random_uuid(), 'ada' || n || '@example.com', 'Ada' from generate_series(1, 2500) as n
"""
FILLED = "select count(distinct user_id) >= 2498 from user_words"


def test_all_accounts_get_their_words_also_those_that_requests_hold(empty: str, tmp_path: Path) -> None:
    """C-350: a request changes one account and deletes another, and commits when the others are filled."""
    [last] = [name for name in NAMES if name.startswith("0040")]
    for name in NAMES[: NAMES.index(last) + 1]:
        for file in (f"{name}.sql", f"{name}.rollback.sql"):
            shutil.copy(FOLDER / file, tmp_path)
    migrate(empty, tmp_path)
    with psycopg.connect(empty, autocommit=True) as admin, psycopg.connect(empty) as request:
        admin.execute(OPEN)
        admin.execute("truncate user_words")
        request.execute("update users set name = 'Grace' where email = 'ada9@example.com'")
        request.execute("delete from users where email = 'ada10@example.com'")
        migration = threading.Thread(target=migrate, args=(empty,))
        migration.start()
        try:
            deadline = time.monotonic() + SECONDS
            while admin.execute(FILLED).fetchone() != (True,):
                assert time.monotonic() < deadline
                admin.execute("select pg_sleep(0.02)")
        finally:
            request.commit()
            migration.join(SECONDS)
        assert admin.execute(DIFFERENT).fetchone() == (0,)
        assert admin.execute("select count(distinct user_id) from user_words").fetchone() == (2499,)
