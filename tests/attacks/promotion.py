"""Point 6: only a verified address gets rights, and the last usable superuser stays."""

from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import Account, code, fresh_email, fresh_password
from tests.attacks.site import Site
from tests.attacks.world import World


def power(site: Site, squatter: Account) -> str | None:
    """Return how a holder of the squatter's password or session acts as a superuser, or None."""
    if squatter.client.ask("GET", "/users?limit=1").status_code == 200:
        return "the old session lists all accounts"
    if squatter.client.renew().status_code == 200 and squatter.client.ask("GET", "/users?limit=1").status_code == 200:
        return "the old session, refreshed, lists all accounts"
    again = site.client()
    if again.login(squatter.email, squatter.password).status_code == 200:
        me = again.me() or {}
        if me.get("is_superuser"):
            return "the old password signs a superuser in"
    browser = site.client()
    browser.cookie_login(squatter.email, squatter.password)
    if browser.ask("GET", "/users?limit=1").status_code == 200:
        return "the old password signs a superuser's browser in"
    return None


@attack(6)
def an_administrator_cannot_promote_a_squatter(world: World) -> None:
    """PATCH /users/{id} gives no rights to an account that never verified its address"""
    site = world.dev
    boss = site.superuser().client
    steps: dict[str, list[dict[str, object]]] = {
        "is_superuser": [{"is_superuser": True}],
        "with is_verified": [{"is_superuser": True, "is_verified": True}],
        "is_verified first": [{"is_verified": True}, {"is_superuser": True}],
        "disabled, then both": [{"is_active": False}, {"is_active": True, "is_superuser": True}],
        "all at once": [
            {"is_active": True, "is_superuser": True, "is_verified": True, "roles": ["notifier"], "name": "Boss"}
        ],
        "address again": [{"email": "SAME", "is_superuser": True}],
        "address again, verified": [{"email": "SAME", "is_superuser": True, "is_verified": True}],
    }
    found = {}
    for name, changes in steps.items():
        squatter = site.unverified()
        for change in changes:
            if change.get("email") == "SAME":
                change["email"] = squatter.email.upper()
            answer = boss.ask("PATCH", f"/users/{squatter.id}", change)
        held(answer.status_code < 500, f"{name}: {code(answer)}")
        if how := power(site, squatter):
            found[name] = how
    none_broken(found)


@attack(6)
def an_invitation_does_not_promote_a_squatter(world: World) -> None:
    """POST /users for a squatted address gives the squatter nothing"""
    site = world.dev
    squatter = site.unverified()
    answer = site.superuser().client.ask("POST", "/users", {"email": squatter.email, "is_superuser": True})
    held(answer.status_code < 500, code(answer))
    how = power(site, squatter)
    held(not how, how)


@attack(6)
def an_invitation_gives_nothing_before_it_is_accepted(world: World) -> None:
    """An invited superuser's address cannot be registered, and the invitation works once"""
    site = world.dev
    boss, email, thief = site.superuser().client, fresh_email(), site.client()
    answer = boss.ask("POST", "/users", {"email": email, "is_superuser": True})
    held(answer.status_code == 201, code(answer))
    password = fresh_password()
    thief.register(email, password)
    held(thief.login(email, password).status_code != 200, "registering the address of an invited superuser took it")
    token = site.mailbox.token(email, "invit|reset|password")
    with ThreadPoolExecutor(10) as crowd:
        jobs = [
            crowd.submit(
                site.client().ask, "POST", "/auth/reset-password", {"token": token, "password": fresh_password()}
            )
            for _ in range(10)
        ]
        statuses = [job.result().status_code for job in jobs]
    held(statuses.count(200) == 1, f"an invitation taken ten times at once: {statuses}")


@attack(6)
def the_command_does_not_promote_a_squatter(world: World) -> None:
    """`python -m api.superuser EMAIL` revokes the squatter's password and sessions, and invites the owner"""
    site = world.dev
    found = {}
    for state in ("signed in", "disabled", "being deleted", "another spelling"):
        squatter = site.unverified()
        spare = site.client()
        spare.login(squatter.email, squatter.password)
        if state == "disabled":
            site.superuser().client.ask("PATCH", f"/users/{squatter.id}", {"is_active": False})
        if state == "being deleted":
            squatter.client.ask("DELETE", "/users/me", {"current_password": squatter.password})
        known = len(site.mailbox.to(squatter.email, "invit|reset|password"))
        email = squatter.email.upper() if state == "another spelling" else squatter.email
        done = site.command("api.superuser", email)
        for client in (squatter.client, spare):
            if how := power(site, Account(squatter.email, squatter.password, client)):
                found[state] = how
        if done.returncode == 0 and state not in found:
            token = site.mailbox.token(squatter.email, "invit|reset|password", known=known)
            owner, password = site.client(), fresh_password()
            answer = owner.ask("POST", "/auth/reset-password", {"token": token, "password": password})
            owner.login(squatter.email, password)
            if answer.status_code != 200 or not (owner.me() or {}).get("is_superuser"):
                found[state + ", the owner"] = f"cannot accept: {code(answer)}"
    none_broken(found)


@attack(6)
def the_command_does_not_bring_a_disabled_account_back(world: World) -> None:
    """A disabled verified account does not return, with its old password, as a superuser's"""
    site = world.dev
    person = site.verified()
    answer = site.superuser().client.ask("PATCH", f"/users/{person.id}", {"is_active": False})
    held(answer.status_code == 200, code(answer))
    site.command("api.superuser", person.email)
    how = power(site, person)
    held(not how, how)


@attack(6)
def the_last_usable_superuser_stays(world: World) -> None:
    """Beside superusers who cannot sign in, the last one that can is neither demoted, disabled nor deleted"""
    site = world.alone()
    boss = site.superuser()
    client = boss.client
    own = f"/users/{boss.id}"
    answer = client.ask("POST", "/users", {"email": fresh_email("invited"), "is_superuser": True})
    held(answer.status_code == 201, f"inviting: {code(answer)}")
    found = {}

    def check(beside: str) -> None:
        for name, method, path, body in (
            ("demotes", "PATCH", own, {"is_superuser": False}),
            ("disables", "PATCH", own, {"is_active": False}),
            ("deletes", "DELETE", own, None),
            ("leaves", "DELETE", "/users/me", {"current_password": boss.password}),
        ):
            answer = client.ask(method, path, body)
            if not 400 <= answer.status_code < 500 or not (client.me() or {}).get("is_superuser"):
                found[f"{name} beside {beside}"] = code(answer)
                site.rows("update users set is_superuser = true, is_active = true where id = %s returning id", boss.id)
                client.login(boss.email, boss.password)
                if not client.me():  # deleted: no account to continue with
                    none_broken(found)

    check("an invited one")
    other = site.deputy()
    client.ask("PATCH", f"/users/{other.id}", {"is_active": False})
    check("a disabled one")
    leaver = site.deputy()
    answer = leaver.client.ask("DELETE", "/users/me", {"current_password": leaver.password})
    held(answer.status_code == 202, f"one of two may leave: {code(answer)}")
    check("a leaving one")
    none_broken(found)


@attack(6, alone=True)
def two_superusers_never_remove_each_other(world: World) -> None:
    """Two usable superusers who concurrently remove each other and themselves leave one"""
    site = world.alone()
    boss = site.superuser()
    for how in ("demote each other", "demote themselves", "leave", "delete each other"):
        other = site.deputy()
        held(boss.client.me(), "the first superuser is gone")
        calls = {
            "demote each other": lambda me, you: me.client.ask("PATCH", f"/users/{you.id}", {"is_superuser": False}),
            "demote themselves": lambda me, you: me.client.ask("PATCH", f"/users/{me.id}", {"is_superuser": False}),
            "leave": lambda me, you: me.client.ask("DELETE", "/users/me", {"current_password": me.password}),
            "delete each other": lambda me, you: me.client.ask("DELETE", f"/users/{you.id}"),
        }
        with ThreadPoolExecutor(2) as two:
            jobs = [two.submit(calls[how], boss, other), two.submit(calls[how], other, boss)]
            answers = [code(job.result()) for job in jobs]
        left = [each for each in (boss, other) if (each.client.me() or {}).get("is_superuser")]
        held(left, f"{how}: none is left after {answers}")
        boss = left[0]
        site._superuser = boss
