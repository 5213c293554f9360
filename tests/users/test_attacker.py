"""For all sequences of actions of an attacker, the owner of an address and an administrator, and any time of the
worker's mails: the attacker never ends with a session, a password or a link for an account whose verified address only
the owner reads, and the owner can always sign in after a reset."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from starlette.applications import Starlette

from api.app import create_app
from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.kernel.settings import Settings
from tests.factories import make_user
from tests.users.attacking import Letter, Person, account_of, deliver, live_sessions, opens, owner_of

T = TypeVar("T")
OWNERS = ("ada@example.com", "ada@example.org")
ATTACKERS = ("mallory@example.com", "mallory@example.org")
ADDRESSES = st.sampled_from(OWNERS + ATTACKERS)
EVIL, EVIL_TOO = "the attacker's own battery", "another battery of the attacker"
GOOD, GOOD_TOO = "a better horse and battery", "yet another horse and battery"
ANY = st.integers(0, 30)
EXAMPLES, STEPS = (int(each) for each in os.environ.get("ATTACKS", "40x40").split("x"))
"""`ATTACKS=400x50 pytest tests/users/test_attacker.py` runs more, and other, sequences."""


class Attack(RuleBasedStateMachine):
    """The test sets the attributes."""

    loop: asyncio.AbstractEventLoop
    app: Starlette
    context: Context

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    @initialize()
    def begin(self) -> None:
        self.run(self.context.db.fetch("delete from users"))
        self.run(self.context.db.fetch("delete from outbox_tasks"))
        self.run(make_user(self.context, "root@example.com", superuser=True))
        self.attacker = Person(self.app, ATTACKERS, "203.0.113.9", EVIL, EVIL_TOO)
        self.owner = Person(self.app, OWNERS, "198.51.100.7", GOOD, GOOD_TOO)
        self.admin = Person(self.app, (), "192.0.2.1")
        assert self.run(self.admin.sign_in("root@example.com", "correct horse battery staple"))
        self.opened: set[UUID] = set()
        """Whether the owner verified it, and controls it since."""
        self.robbed: set[UUID] = set()
        """Whether another person knows its password until the owner takes it back."""
        self.asked: set[tuple[UUID, str]] = set()
        """Changes that the owner requested."""

    def ids(self) -> dict[str, UUID]:
        rows = self.run(self.context.db.fetch("select id, email from users where email <> 'root@example.com'"))
        return {row["email"]: row["id"] for row in rows}

    # The worker, and time

    @rule()
    def the_worker_runs(self) -> None:
        self.run(deliver(self.context, self.attacker, self.owner))

    @rule()
    def time_passes(self) -> None:
        """Enough for another mail, and not so much that a link expires."""
        self.run(self.context.db.fetch("update user_tokens set created_at = created_at - interval '2 hours'"))

    # The attacker

    @rule(email=ADDRESSES)
    def the_attacker_registers(self, email: str) -> None:
        self.run(self.attacker.call("POST", "/auth/register", email=email, password=EVIL))
        self.run(self.attacker.sign_in(email, EVIL))

    @rule(email=ADDRESSES, password=ANY)
    def the_attacker_signs_in(self, email: str, password: int) -> None:
        self.run(self.attacker.sign_in(email, self.attacker.passwords[password % len(self.attacker.passwords)]))

    @rule(email=ADDRESSES, path=st.sampled_from(["/auth/forgot-password", "/auth/request-verify-token"]))
    def the_attacker_asks_for_a_mail(self, email: str, path: str) -> None:
        self.run(self.attacker.call("POST", path, email=email))

    @rule(session=ANY, email=ADDRESSES, password=ANY)
    def the_attacker_moves_an_account(self, session: int, email: str, password: int) -> None:
        known = self.attacker.passwords[password % len(self.attacker.passwords)]
        self.run(self.attacker.call("PATCH", "/users/me", session, email=email, current_password=known))

    @rule(session=ANY, password=ANY, new=st.sampled_from([EVIL, EVIL_TOO]))
    def the_attacker_changes_a_password(self, session: int, password: int, new: str) -> None:
        known = self.attacker.passwords[password % len(self.attacker.passwords)]
        body = {"current_password": known, "new_password": new}
        self.run(self.attacker.call("POST", "/users/change-password", session, **body))

    @rule(session=ANY, password=ANY)
    def the_attacker_deletes_an_account(self, session: int, password: int) -> None:
        known = self.attacker.passwords[password % len(self.attacker.passwords)]
        self.run(self.attacker.call("DELETE", "/users/me", session, current_password=known))

    @rule(session=ANY)
    def the_attacker_refreshes(self, session: int) -> None:
        self.run(self.attacker.refresh(session))

    @precondition(lambda self: self.attacker.letters)
    @rule(letter=ANY, password=st.sampled_from([None, EVIL, EVIL_TOO]))
    def the_attacker_follows_a_link(self, letter: int, password: str | None) -> None:
        self.run(self.attacker.follow(self.attacker.letters[letter % len(self.attacker.letters)], password))

    @rule(email=st.sampled_from(OWNERS))
    def the_attacker_steals_a_password(self, email: str) -> None:
        """Sign in to an account of the owner's; until the owner takes it back, its loss is not the application's
        fault."""
        for password in self.owner.passwords:
            if self.run(self.attacker.sign_in(email, password)):
                self.attacker.passwords.append(password)
                self.robbed.add(self.ids()[email])

    # The owner

    @rule(email=st.sampled_from(OWNERS))
    def the_owner_registers(self, email: str) -> None:
        answer = self.run(self.owner.call("POST", "/auth/register", email=email, password=self.fresh()))
        if answer.status_code == 201:
            self.opened.add(UUID(answer.json()["id"]))

    @rule(email=st.sampled_from(OWNERS))
    def the_owner_signs_in(self, email: str) -> None:
        for password in self.owner.passwords[-3:]:
            self.run(self.owner.sign_in(email, password))

    @rule(email=st.sampled_from(OWNERS))
    def the_owner_forgets_the_password(self, email: str) -> None:
        self.run(self.owner.call("POST", "/auth/forgot-password", email=email))

    @rule(session=ANY, email=st.sampled_from(OWNERS))
    def the_owner_moves(self, session: int, email: str) -> None:
        for known in self.owner.passwords[-3:]:
            answer = self.run(self.owner.call("PATCH", "/users/me", session, email=email, current_password=known))
            if answer.status_code == 200:
                self.asked.add((UUID(answer.json()["id"]), email))

    @precondition(lambda self: self.owner.letters)
    @rule(letter=ANY, chooses=st.booleans())
    def the_owner_follows_a_link(self, letter: int, chooses: bool) -> None:
        """Follow the mail's advice: choose a password for an account opened by another person, and ignore changes that
        the owner did not request."""
        self.follow(self.owner.letters[letter % len(self.owner.letters)], chooses)

    def follow(self, letter: Letter, chooses: bool) -> bool:
        """Return whether the link was valid."""
        id = self.run(owner_of(self.context, letter))
        if id is None or (letter.page == "confirm-email" and (id, letter.to) not in self.asked):
            return False
        if letter.page in ("reset-password", "accept-invitation") or id not in self.opened:
            chooses = True
        answer = self.run(self.owner.follow(letter, self.fresh() if chooses else None))
        if answer.status_code == 200 and (chooses or letter.page == "revert-email"):
            self.robbed.discard(id)
            self.asked = {each for each in self.asked if each[0] != id}
        return answer.status_code == 200

    def fresh(self) -> str:
        """Return a password unknown to the attacker."""
        self.owner.passwords.append(f"{GOOD} {len(self.owner.passwords)}")
        return self.owner.passwords[-1]

    # The administrator

    @rule(
        email=ADDRESSES, trust=st.sampled_from([{"is_verified": True}, {"is_superuser": True}, {"roles": ["writer"]}])
    )
    def the_administrator_trusts(self, email: str, trust: dict[str, Any]) -> None:
        if id := self.run(account_of(self.context, email)):
            self.run(self.admin.call("PATCH", f"/users/{id}", 0, **trust))
            self.run(self.admin.call("PATCH", f"/users/{id}", 0, is_superuser=False))

    @rule(email=ADDRESSES, to=ADDRESSES, vouches=st.booleans())
    def the_administrator_moves_an_account(self, email: str, to: str, vouches: bool) -> None:
        if id := self.run(account_of(self.context, email)):
            vouch = {"is_verified": True} if vouches else {}
            self.run(self.admin.call("PATCH", f"/users/{id}", 0, email=to, **vouch))
            self.opened.discard(id)

    @rule(email=ADDRESSES)
    def the_administrator_invites(self, email: str) -> None:
        self.run(self.admin.call("POST", "/users", 0, email=email, roles=["writer"]))

    @rule(email=ADDRESSES, active=st.booleans())
    def the_administrator_disables_or_enables(self, email: str, active: bool) -> None:
        if id := self.run(account_of(self.context, email)):
            self.run(self.admin.call("PATCH", f"/users/{id}", 0, is_active=active))

    # Invariants

    @invariant()
    def the_attacker_holds_nothing_of_the_owners(self) -> None:
        if not hasattr(self, "attacker"):
            return
        theirs = "select id, email, password_hash from users where email = any($1) and is_verified"
        accounts = self.run(self.context.db.fetch(theirs, list(OWNERS)))
        mine = {row["id"]: row for row in accounts if row["id"] not in self.robbed}
        assert not mine.keys() & self.run(live_sessions(self.context, self.attacker)), "a session"
        for letter in self.attacker.letters:
            assert self.run(opens(self.context, letter)) not in mine, letter
        for row in mine.values():
            for password in dict.fromkeys(self.attacker.passwords) if row["password_hash"] else ():
                assert not self.run(self.context.passwords.verify(row["password_hash"], password)), "a password"

    def teardown(self) -> None:
        """A reset works in all cases: with the newest link, or with an earlier one that was not revoked."""
        if not hasattr(self, "owner"):
            return
        self.run(self.context.db.fetch("update users set is_active = true"))
        self.time_passes()
        for email in OWNERS:
            if email in self.ids():
                self.run(self.owner.call("POST", "/auth/forgot-password", email=email))
                self.run(deliver(self.context, self.attacker, self.owner))
                resets = [each for each in self.owner.letters if (each.to, each.page) == (email, "reset-password")]
                assert any(self.follow(letter, True) for letter in reversed(resets)), email
                assert self.run(self.owner.sign_in(email, self.owner.passwords[-1]))
                self.the_attacker_holds_nothing_of_the_owners()


@pytest.mark.case(140)
@pytest.mark.timeout(0 if "ATTACKS" in os.environ else 600)
async def test_no_attacker_ends_with_what_is_the_owners(cloned: Settings, live: Context) -> None:
    context = msgspec.structs.replace(live, mail=MemoryMailer())
    app = create_app(cloned)
    app.state.context = context
    given = {"loop": asyncio.get_running_loop(), "app": app, "context": context}
    machine = type("Given", (Attack,), given)
    chosen = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize="ATTACKS" not in os.environ,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
