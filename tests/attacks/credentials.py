"""Points 10 and 11: re-authentication, revoked tokens, and valid mailed links."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import Client, code, fresh_email, fresh_password
from tests.attacks.world import World


@attack(10)
def a_superuser_steps_up_for_their_own_account(world: World) -> None:
    """PATCH /users/{own id} changes neither password nor address without the current password"""
    site, found = world.dev, {}
    boss = site.deputy()
    for name, body in {
        "password": {"password": fresh_password()},
        "email": {"email": fresh_email("elsewhere")},
        "both": {"email": fresh_email("elsewhere"), "password": fresh_password(), "name": "x"},
        "wrong current": {"password": fresh_password(), "current_password": "wrong"},
        "in upper case": {"password": fresh_password()},
    }.items():
        id = boss.id.upper() if name == "in upper case" else boss.id
        answer = boss.client.ask("PATCH", f"/users/{id}", body)
        if answer.status_code < 400:
            found[name] = code(answer)
            boss = site.deputy()
    for path in (f"/users/{boss.id}", "/users/me"):
        answer = boss.client.ask("DELETE", path, {} if path.endswith("me") else None)
        if answer.status_code < 400 and path.endswith("me"):
            found[f"DELETE {path}"] = code(answer)
    none_broken(found)


def change(client: Client, route: str, current: str, new: str) -> "tuple[int, dict[str, str]]":
    if route == "PATCH":
        answer = client.ask("PATCH", "/users/me", {"password": new, "current_password": current})
    else:
        answer = client.ask("POST", "/users/change-password", {"current_password": current, "new_password": new})
    return answer.status_code, dict(answer.headers)


@attack(10)
def the_pair_that_changed_the_password_dies(world: World) -> None:
    """The session that changes its password gets new tokens; its old access and refresh tokens are revoked at once"""
    site, found = world.dev, {}
    for route in ("PATCH", "POST"):
        account = site.verified()
        client, other = account.client, site.client()
        other.login(account.email, account.password)
        old_access, old_refresh, new = client.access, client.refresh, fresh_password()
        status, headers = change(client, route, account.password, new)
        if status not in (200, 204):
            found[route] = str(status)
            continue
        old = site.client()
        old.access, old.refresh = old_access, old_refresh
        if old.me():
            found[f"{route} old access token"] = "still works"
        old.access = ""
        if old.renew().status_code == 200:
            found[f"{route} old refresh token"] = "still works"
        if other.me() or other.renew().status_code == 200:
            found[f"{route} other session"] = "still works"
        fresh = site.client()
        fresh.access, fresh.refresh = headers.get("x-access-token", ""), headers.get("x-refresh-token", "")
        if not fresh.access or not fresh.me():
            found[f"{route} new access token"] = "none that works"
        elif fresh.renew().status_code != 200:
            found[f"{route} new refresh token"] = "none that works"
        if "no-store" not in headers.get("cache-control", ""):
            found[f"{route} cache"] = headers.get("cache-control", "none")
    none_broken(found)


@attack(10)
def the_browser_that_changed_the_password_gets_new_cookies(world: World) -> None:
    """A browser's old cookies are revoked after it changed the password, and its new ones work"""
    site, found = world.dev, {}
    for route in ("PATCH", "POST"):
        account, browser = site.verified(), site.client()
        browser.cookie_login(account.email, account.password)
        old = site.client()
        old.cookies = dict(browser.cookies)
        status, headers = change(browser, route, account.password, fresh_password())
        if status not in (200, 204):
            found[route] = str(status)
            continue
        if "x-access-token" in headers or "x-refresh-token" in headers:
            found[f"{route} fields"] = "tokens in fields that a script can read"
        if old.me():
            found[f"{route} old cookies"] = "still work"
        if old.ask("POST", "/auth/refresh").status_code == 200:
            found[f"{route} old refresh cookie"] = "still works"
        if not browser.me():
            found[f"{route} new cookies"] = "do not work"
        elif browser.change(name="Ada").status_code != 200:
            found[f"{route} new XSRF token"] = "does not work"
    none_broken(found)


@attack(10)
def twenty_changes_at_once_have_one_winner(world: World) -> None:
    """Twenty concurrent changes of the password by one session succeed once, and a failed change gives no tokens"""
    site = world.production(RATE_LIMIT_CREDENTIALS="off")
    account = site.verified()
    passwords = [fresh_password() for _ in range(20)]
    with ThreadPoolExecutor(20) as crowd:
        jobs = [crowd.submit(change, account.client, "POST", account.password, new) for new in passwords]
        done = [job.result() for job in jobs]
    winners = [number for number, (status, _) in enumerate(done) if status == 204]
    held(len(winners) == 1, f"{[status for status, _ in done]}")
    losers = [headers for status, headers in done if status != 204 and "x-access-token" in headers]
    held(not losers, "a change that failed gave tokens")
    held(
        site.client().login(account.email, passwords[winners[0]]).status_code == 200,
        "the winner's password does not work",
    )


@attack(11, waits=True)
def a_stranger_does_not_void_the_owners_link(world: World) -> None:
    """A reset link stays valid when a stranger requests another one; using one revokes the other"""
    site = world.dev
    owner = site.verified()
    site.client().ask("POST", "/auth/forgot-password", {"email": owner.email})
    first = site.mailbox.token(owner.email, "reset")
    for _ in range(8):
        site.client().ask("POST", "/auth/forgot-password", {"email": owner.email})
    time.sleep(61)  # one mail a minute
    site.client().ask("POST", "/auth/forgot-password", {"email": owner.email.upper()})
    second = site.mailbox.wait(owner.email, "reset", known=1)
    password = fresh_password()
    answer = site.client().ask("POST", "/auth/reset-password", {"token": first, "password": password})
    held(answer.status_code == 200, f"the owner's own link: {code(answer)}")
    held(site.client().login(owner.email, password).status_code == 200, "the new password does not sign in")
    if second and second.link:
        answer = site.client().ask(
            "POST", "/auth/reset-password", {"token": second.link[1], "password": fresh_password()}
        )
        held(answer.status_code == 400, f"the other link after the first was spent: {code(answer)}")


@attack(11, waits=True)
def an_earlier_verification_link_lives(world: World) -> None:
    """Both verification links are valid until one is used; then both answer VERIFY_USER_ALREADY_VERIFIED"""
    site = world.dev
    account = site.unverified()
    first = site.mailbox.token(account.email, "^verify")
    time.sleep(61)
    site.client().ask("POST", "/auth/request-verify-token", {"email": account.email})
    second = site.mailbox.token(account.email, "^verify", known=1)
    told = [code(site.client().ask("POST", "/auth/verify", {"token": token})) for token in (first, first, second)]
    held(told[0].startswith("200"), f"the earlier link: {told[0]}")
    held(told[1] == told[2] == "400 VERIFY_USER_ALREADY_VERIFIED", f"spent: {told[1]}, the other: {told[2]}")


@attack(11)
def a_spent_verification_link_says_so(world: World) -> None:
    """A used verification link answers VERIFY_USER_ALREADY_VERIFIED; an unknown one, BAD_TOKEN"""
    site = world.dev
    account = site.unverified()
    token = site.mailbox.token(account.email, "^verify")
    told = [code(site.client().ask("POST", "/auth/verify", {"token": each})) for each in (token, token, "x" * 43)]
    held(told[0].startswith("200"), told)
    held(told[1] == "400 VERIFY_USER_ALREADY_VERIFIED", told)
    held(told[2] == "400 VERIFY_USER_BAD_TOKEN", told)


@attack(11)
def a_stranger_is_not_flooded_with_confirmations(world: World) -> None:
    """Mails that confirm a new address are limited by that address, for all callers and spellings"""
    site = world.dev
    stranger = fresh_email("stranger")
    people = [site.unverified() for _ in range(9)]
    for number, person in enumerate(people):
        spelled = [stranger, stranger.upper(), stranger.title()][number % 3]
        person.client.change(email=spelled, current_password=person.password)
    last = site.unverified()
    last.client.change(email=(own := fresh_email()), current_password=last.password)
    site.mailbox.wait(own)
    time.sleep(1)
    came = len(site.mailbox.to(stranger))
    held(came <= 5, f"{came} mails to one stranger's address in a few seconds")
    held(came >= 1, "none came")


@attack(11)
def one_account_does_not_mail_many_strangers(world: World) -> None:
    """One account can request only a few other addresses, each of which is mailed"""
    site = world.production()
    person = site.verified()
    strangers = [fresh_email("stranger") for _ in range(12)]
    for stranger in strangers:
        person.client.change(email=stranger, current_password=person.password)
    time.sleep(3)
    came = sum(len(site.mailbox.to(stranger)) for stranger in strangers)
    held(came <= 6, f"{came} strangers were mailed by one account at once")
