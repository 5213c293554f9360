"""`make cost`: measures the cost of a change by making it in a copy of this repository. Prints the files that a column,
an endpoint and a feature touch, with migrations, snapshots, docs and tests; whether the tests of the copy pass; and the
duration of `make quick` and of a reload by `make run`."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx

from dev.new import write
from dev.ports import free_port
from dev.quick import changed
from tests.copies import copy_to, run, write_snapshots

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 10
"""The files that a column changes."""
TESTS = [
    "tests/test_sql.py",
    "tests/test_api_page.py",
    "tests/test_openapi.py",
    "tests/test_access.py::test_every_route_has_its_row",
    "tests/users/test_me.py",
    "tests/users/test_age.py",
    "tests/users/test_register.py::test_the_answer_does_not_contain_the_password",
    "tests/users/test_admin_list.py",
    "tests/users/test_change_me.py",
    "tests/articles",
]
"""The tests that the copy runs after these changes."""

_AGE = {
    "sql/users/get_opened.sql": """
-- Returns the time at which an account was created.
--
--   $1 id  uuid

select created_at
  from users
 where id = $1;
""",
    "api/users/handlers/age.py": '''
"""GET /users/me/age."""

from api.kernel import Context, Principal
from api.users import queries
from api.users.types import Age


async def show_age(context: Context, principal: Principal) -> Age:
    """Return the time at which the caller's account was created."""
    return Age(await queries.get_opened(context.db, principal.id))
''',
    "tests/users/test_age.py": '''
"""GET /users/me/age."""

import httpx


async def test_it_is_the_accounts(signed_in: httpx.AsyncClient) -> None:
    me = (await signed_in.get("/api/users/me")).json()
    assert (await signed_in.get("/api/users/me/age")).json() == {"opened_at": me["created_at"]}
''',
}


class CostError(Exception):
    """The repository does not match an edit of this script; the message names the file."""


def committed(folder: Path) -> Path:
    """Return a copy of the repository with a first commit."""
    copy = copy_to(ROOT, folder / "copy")
    commit(copy)
    return copy


def commit(copy: Path) -> None:
    author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]
    for command in (["add", "--all"], ["commit", "--quiet", "--message", "a change"]):
        subprocess.run(["git", *author, *command], cwd=copy, check=True, capture_output=True)


def files_of(copy: Path, change: Callable[[Path], object], parts: Mapping[str, str] | None = None) -> list[str]:
    """Make the change in the copy, write the snapshots as `make openapi events api-page` does, and commit.

    Returns the files that it touched. `parts` are the addresses of a running stack, as for tests.copies.run."""
    change(copy)
    write_snapshots(copy)
    run(copy, "tests.api_page", environ=parts)
    python = [name for name in changed(copy) if name.endswith(".py") and (copy / name).exists()]
    run(copy, "ruff", "format", "--no-cache", "--quiet", *python)
    run(copy, "ruff", "check", "--no-cache", "--quiet", "--fix", *python)
    touched = sorted(changed(copy))
    commit(copy)
    return touched


def add_column(copy: Path) -> None:
    """Add `pronouns`, a column of users that clients see as a field of User."""
    number = 1 + max(int(path.name[:4]) for path in (copy / "migrations").glob("[0-9]*.sql"))
    migration = copy / f"migrations/{number:04}_pronouns.sql"
    migration.write_text("alter table users\n    add column pronouns text;\n")
    migration.with_suffix(".rollback.sql").write_text("alter table users\n    drop column pronouns;\n")
    _edit(copy / "api/users/types.py", r"class User\(.*?    roles: list\[str\]\n", r"\g<0>    pronouns: str | None\n")
    columns = "id, email, name, is_active, is_superuser, is_verified, roles, "
    for path in (copy / "sql/users").glob("*.sql"):
        if columns in (text := path.read_text()):
            path.write_text(text.replace(columns, columns + "pronouns, "))
    fields = '"roles", "created_at", "updated_at"'
    for path in (copy / "tests").rglob("*.py"):
        if path != copy / "tests/cost.py" and fields in (text := path.read_text()):
            path.write_text(text.replace(fields, fields.replace('"roles", ', '"roles", "pronouns", ')))


def add_endpoint(copy: Path) -> None:
    """Add `GET /users/me/age`, with its own query and type."""
    for name, text in _AGE.items():
        (copy / name).write_text(text.lstrip())
    _edit(
        copy / "api/users/queries.py",
        r"\Z",
        "\n\n@query\nasync def get_opened(db: Database, id: UUID) -> datetime: ...\n",
    )
    _edit(copy / "api/users/types.py", r"\Z", "\n\nclass Age(msgspec.Struct, frozen=True):\n    opened_at: datetime\n")
    _edit(
        copy / "api/users/routes.py",
        r"\nroutes = \[\n",
        'from api.users.handlers.age import show_age\n\\g<0>    get("/users/me/age", show_age, guard=signed_in),\n',
    )
    _edit(copy / "tests/users/examples.py", r"^ACCESS = {\n", '\\g<0>    "GET /users/me/age": SIGNED_IN,\n')
    _edit(copy / "tests/users/examples.py", r"\nACCESS", "from tests.transcript import Transcript\n\\g<0>")
    _edit(
        copy / "tests/users/examples.py",
        r"\Z",
        "\n\nasync def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:\n"
        '    await transcript.show("GET /users/me/age", headers=admin)\n',
    )


def add_feature(copy: Path) -> None:
    """Run `make new FEATURE=articles`."""
    write(copy, "articles")


CHANGES = {"a column that clients see": add_column, "an endpoint": add_endpoint, "a feature": add_feature}


def _edit(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.MULTILINE | re.DOTALL)
    if count != 1:
        raise CostError(f"{path} has no {pattern!r}: adapt tests/cost.py")
    path.write_text(text)


def quick_seconds(copy: Path) -> float:
    """Return the seconds of `make quick` after one edit, with mypy's daemon running."""
    try:
        for _ in range(2):
            _edit(copy / "api/users/names.py", r"\A", "# An edit.\n")
            began = time.monotonic()
            run(copy, "dev.quick")
        return time.monotonic() - began
    finally:
        subprocess.run([Path(sys.executable).with_name("dmypy"), "stop"], cwd=copy, capture_output=True, check=False)


def reload_seconds(copy: Path) -> float:
    """Return the seconds from an edit until `make run` serves it."""
    with _running(copy) as url, httpx.Client() as client:
        began = time.monotonic()
        _edit(copy / "api/users/routes.py", r'"/users/me"', '"/users/myself"')
        while True:
            with contextlib.suppress(httpx.TransportError):
                if "/users/myself" in client.get(f"{url}/api/openapi.json").text:
                    return time.monotonic() - began
            if time.monotonic() - began > 60:
                raise CostError("make run has not reloaded within a minute")
            time.sleep(0.02)


@contextlib.contextmanager
def _running(copy: Path) -> Iterator[str]:
    """Run `make run` in the copy."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "dev", "run"],
        cwd=copy,
        env={**os.environ, "PORT": str(port), "WEB": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = ""
        for line in process.stdout:
            told += line
            if "Ctrl-C stops everything" in line:
                break
        else:
            raise CostError(told)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        copy = committed(Path(folder))
        for name, change in CHANGES.items():
            touched = files_of(copy, change)
            print(f"{name}: {len(touched)} files", *touched, sep="\n    ", flush=True)
        print(run(copy, "pytest", "-q", "-p", "no:cacheprovider", *TESTS).splitlines()[-1], flush=True)
        print(f"make quick, warm: {quick_seconds(copy):.0f} s", flush=True)
        print(f"make run, from an edit to its answer: {reload_seconds(copy):.1f} s")


if __name__ == "__main__":
    main()
