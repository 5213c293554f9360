"""Point 7: tokens work once, and only while their subject is unchanged."""

from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attack import attack, none_broken
from tests.attacks.client import fresh_email, fresh_password
from tests.attacks.links import CONFIRM, RESET, REVERT, VERIFY, grip, move, spend, stolen
from tests.attacks.world import World


@attack(7)
def a_token_spent_twenty_times_at_once_is_good_once(world: World) -> None:
    """Concurrent verifications with a password, resets, confirmations and reversions have one winner each"""
    site, found = world.dev, {}

    def race(name: str, calls: list[tuple[str, dict[str, object]]], most: int = 1) -> list[int]:
        with ThreadPoolExecutor(20) as crowd:
            jobs = [crowd.submit(site.client().ask, "POST", f"/auth/{route}", body) for route, body in calls]
            statuses = [job.result().status_code for job in jobs]
        if statuses.count(200) != most or any(status >= 500 for status in statuses):
            found[name] = str(sorted(statuses))
        return statuses

    squatter = site.unverified()
    token = site.mailbox.token(squatter.email, VERIFY)
    race("verify", [("verify", {"token": token, "password": fresh_password()}) for _ in range(20)])
    owner = site.verified()
    site.client().ask("POST", "/auth/forgot-password", {"email": owner.email})
    token = site.mailbox.token(owner.email, RESET)
    race("reset", [("reset-password", {"token": token, "password": fresh_password()}) for _ in range(20)])
    owner, thief = stolen(site)
    email = move(site, thief, owner.password, confirm=False)
    calls: list[tuple[str, dict[str, object]]] = [("confirm-email", {"token": site.mailbox.token(email, CONFIRM)})] * 10
    calls += [("revert-email", {"token": site.mailbox.token(owner.email, REVERT)})] * 10
    with ThreadPoolExecutor(20) as crowd:
        answers = list(
            crowd.map(lambda call: site.client().ask("POST", f"/auth/{call[0]}", call[1]).status_code, calls)
        )
    if any(status >= 500 for status in answers):
        found["confirm against revert"] = str(answers)
    if answers[10:].count(200) == 0:
        found["revert"] = f"the owner's link lost against the thief's: {answers}"
    elif how := grip(site, thief, [owner.email, email], [owner.password]):
        found["after confirm against revert"] = how
    none_broken(found)


@attack(7)
def old_links_are_invalid_after_a_change(world: World) -> None:
    """After an address was released, verified by another or set by an administrator, links to the old one are
    invalid"""
    site, found = world.dev, {}
    owner = site.verified()
    site.client().ask("POST", "/auth/forgot-password", {"email": owner.email})
    reset = site.mailbox.token(owner.email, RESET)
    move(site, owner.client, owner.password)
    if spend(site.client(), "reset-password", reset, password=fresh_password()).startswith("200"):
        found["reset after a change of address"] = "the old address' reset link still works"

    squatter = site.unverified()
    verify = site.mailbox.token(squatter.email, VERIFY)
    site.client().ask("POST", "/auth/forgot-password", {"email": squatter.email})
    spend(
        site.client(),
        "reset-password",
        site.mailbox.token(squatter.email, RESET),
        password=(password := fresh_password()),
    )
    if how := grip(site, squatter.client, [squatter.email], [squatter.password]):
        found["reset of a squatted account"] = how
    spend(site.client(), "verify", verify, password=fresh_password())
    if site.client().login(squatter.email, password).status_code != 200:
        found["verify after reset"] = "the older link replaced the owner's new password"

    victim, other = site.verified(), fresh_email("other")
    site.client().ask("POST", "/auth/forgot-password", {"email": victim.email})
    reset = site.mailbox.token(victim.email, RESET)
    site.superuser().client.ask("PATCH", f"/users/{victim.id}", {"email": other})
    if spend(site.client(), "reset-password", reset, password=fresh_password()).startswith("200"):
        found["reset after an administrator's change"] = "the old address' link still works"
    if how := grip(site, victim.client, [victim.email], [victim.password]):
        found["session after an administrator's change"] = how

    gone = site.verified()
    site.client().ask("POST", "/auth/forgot-password", {"email": gone.email})
    reset = site.mailbox.token(gone.email, RESET)
    site.superuser().client.ask("PATCH", f"/users/{gone.id}", {"is_active": False})
    password = fresh_password()
    spend(site.client(), "reset-password", reset, password=password)
    if how := grip(site, gone.client, [gone.email], [gone.password, password]):
        found["disabled"] = how
    none_broken(found)
