"""Point 7: no link transfers an account while an attacker's password, session or link stays valid."""

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import Account, Client, code, fresh_email, fresh_password
from tests.attacks.site import Site
from tests.attacks.world import World

CONFIRM, REVERT, RESET, VERIFY = "confirm", "revert", "reset", "^verify"


def spend(client: Client, route: str, token: str, **more: object) -> str:
    return code(client.ask("POST", f"/auth/{route}", {"token": token, **more}))


def grip(site: Site, thief: Client, emails: list[str], passwords: list[str]) -> str | None:
    """Return what the thief still has of an account: a session, a refresh token, or a password that signs in."""
    if me := thief.me():
        return f"the session still works, as {me['email']}"
    if thief.refresh and thief.renew().status_code == 200:
        return "the refresh token still works"
    for email in emails:
        for password in passwords:
            for client in (site.client(), thief):
                if client.login(email, password).status_code == 200:
                    return f"the password signs in at {email}"
    return None


def deletion(site: Site, id: str) -> str | None:
    """Return the column that marks the account for deletion, or None."""
    columns = site.rows("select column_name from information_schema.columns where table_name = 'users'")
    for (name,) in columns:
        if "delet" in name and site.rows(f'select 1 from users where id = %s and "{name}" is not null', id):
            return str(name)
    return None


def revert_link(site: Site, email: str, confirmed: bool) -> str:
    """Return the token of the latest mail with which the old address reverts the change."""
    mail = site.mailbox.wait(email, REVERT, known=1 if confirmed else 0, seconds=5)
    mails = site.mailbox.to(email, REVERT)
    assert mails, f"no mail with a way back came to {email}"
    link = (mail or mails[-1]).link
    assert link
    return link[1]


def stolen(site: Site) -> tuple[Account, Client]:
    """An account, and a thief who knows its password and is signed in."""
    owner, thief = site.verified(), site.client()
    assert thief.login(owner.email, owner.password).status_code == 200
    return owner, thief


def move(site: Site, thief: Client, password: str, confirm: bool = True) -> str:
    """Change the account's address to one of the thief's and return it."""
    email = fresh_email("thief")
    answer = thief.change(email=email, current_password=password)
    assert answer.status_code == 200, answer.text
    token = site.mailbox.token(email, CONFIRM)
    if confirm:
        said = spend(site.client(), "confirm-email", token)
        assert said.startswith("200"), said
    return email


@attack(7)
def taking_an_address_back_voids_the_password(world: World) -> None:
    """After the owner reverts a change of address, the thief's password, sessions and tokens are invalid"""
    site, found = world.dev, {}
    for confirmed in (True, False):
        for then in ("", "signs in again", "sets a password", "asks for deletion", "moves again", "asks for a reset"):
            if not confirmed and then in ("signs in again", "sets a password", "asks for a reset"):
                continue
            owner, thief = stolen(site)
            passwords = [owner.password]
            email = move(site, thief, owner.password, confirmed)
            token = revert_link(site, owner.email, confirmed)
            emails, links = [owner.email, email], {}
            if then and confirmed:
                thief.login(email, owner.password)
            if then == "sets a password":
                passwords.append(fresh_password())
                thief.change(password=passwords[-1], current_password=owner.password)
                thief.login(email, passwords[-1])
            if then == "asks for deletion":
                thief.ask("DELETE", "/users/me", {"current_password": passwords[-1]})
            if then == "moves again":
                emails.append(move(site, thief, passwords[-1], confirm=False))
                links["confirm-email"] = site.mailbox.token(emails[-1], CONFIRM)
            if then == "asks for a reset" and confirmed:
                thief.ask("POST", "/auth/forgot-password", {"email": email})
                links["reset-password"] = site.mailbox.token(email, RESET)
            said = spend(site.client(), "revert-email", token)
            name = f"{'confirmed' if confirmed else 'pending'}, {then or 'nothing more'}"
            if not said.startswith("200"):
                found[name] = f"the owner cannot revert the change: {said}"
                continue
            for route, link in links.items():
                more = {"password": fresh_password()} if route == "reset-password" else {}
                if (answer := spend(site.client(), route, link, **more)).startswith("200"):
                    found[f"{name}, {route}"] = f"the thief's link still works: {answer}"
            if how := grip(site, thief, emails, passwords):
                found[name] = how
            elif then == "asks for deletion" and (column := deletion(site, owner.id)):
                found[name] = f"the deletion survives ({column})"
    none_broken(found)


@attack(7)
def taking_back_does_not_verify_a_squatter(world: World) -> None:
    """A squatter changes an account's unverified address; its owner's links give the squatter nothing"""
    site, found = world.dev, {}
    for confirmed in (True, False):
        squatter = site.unverified()
        answer = squatter.client.change(email=(email := fresh_email("squatter")), current_password=squatter.password)
        if answer.status_code != 200:
            continue  # impossible before the address is verified: passes as well
        token = site.mailbox.token(email, CONFIRM)
        if confirmed:
            spend(site.client(), "confirm-email", token)
            squatter.client.login(email, squatter.password)
        site.mailbox.wait(squatter.email, REVERT, known=int(confirmed), seconds=4)
        for revert in site.mailbox.to(squatter.email, REVERT):
            assert revert.link
            said = spend(site.client(), "revert-email", revert.link[1])
            client = site.client()
            for each in (client, squatter.client):
                if (
                    each.login(squatter.email, squatter.password).status_code == 200
                    and (me := each.me())
                    and me["is_verified"]
                ):
                    found["confirmed" if confirmed else "pending"] = (
                        f"the squatter is verified at the owner's address: {said}"
                    )
            if (me := squatter.client.me()) and me["is_verified"] and me["email"] == squatter.email:
                found["session"] = "the squatter's session is verified at the owner's address"
        if not confirmed:  # the verification link sent to the owner's address
            verify = site.mailbox.token(squatter.email, VERIFY)
            spend(site.client(), "verify", verify, password=fresh_password())
            if spend(site.client(), "confirm-email", token).startswith("200"):
                found["confirm after verify"] = "the squatter's link moves the account away from its owner"
    none_broken(found)


@attack(7)
def a_reset_and_a_revert_do_not_undo_each_other(world: World) -> None:
    """After a change of address and a reset at the new one, the old address' link is invalid or its use is notified"""
    site = world.dev
    owner = site.verified()
    email = move(site, owner.client, owner.password)
    token = revert_link(site, owner.email, True)
    site.client().ask("POST", "/auth/forgot-password", {"email": email})
    password = fresh_password()
    said = spend(site.client(), "reset-password", site.mailbox.token(email, RESET), password=password)
    held(said.startswith("200"), said)
    known = len(site.mailbox.to(email))
    said = spend(site.client(), "revert-email", token)
    if said.startswith("200"):
        told = site.mailbox.wait(email, known=known, seconds=6)
        held(told, "the link reverted the change, and the new address was not notified")
        held(site.client().login(owner.email, password).status_code != 200, "its password still signs in")
        held(spend(site.client(), "revert-email", token).startswith("4"), "the link works twice")


@attack(7)
def confirming_ends_a_squatters_sessions(world: World) -> None:
    """Confirming an address ends every session but the caller's own"""
    site = world.dev
    squatter = site.unverified()
    browser = site.client()
    browser.cookie_login(squatter.email, squatter.password)
    second = site.client()
    second.login(squatter.email, squatter.password)
    said = spend(site.client(), "verify", site.mailbox.token(squatter.email, VERIFY))
    held(said.startswith("200"), said)
    found = {}
    for name, client in (("bearer", squatter.client), ("browser", browser), ("second", second)):
        if client.me():
            found[name] = "the session still works"
        elif client.refresh and client.renew().status_code == 200:
            found[name] = "the refresh token still works"
    registrant = site.unverified()
    other = site.client()
    other.login(registrant.email, registrant.password)
    said = spend(registrant.client, "verify", site.mailbox.token(registrant.email, VERIFY))
    held(said.startswith("200"), said)
    if not registrant.client.me():
        found["own"] = "who registered and confirms while signed in is signed out"
    if other.me():
        found["other"] = "another session than the caller's still works"
    if site.client().login(registrant.email, registrant.password).status_code != 200:
        found["password"] = "who registered and then confirms has lost their password"
    none_broken(found)


@attack(7)
def the_owner_throws_a_squatter_out_with_the_same_link(world: World) -> None:
    """After POST /auth/verify {token, password}, the squatter's data, sessions and links are invalid"""
    site = world.dev
    squatter = site.unverified()
    client = squatter.client
    client.change(name="Squatter Was Here")
    email = fresh_email("squatter")
    moved = client.change(email=email, current_password=squatter.password)
    token = site.mailbox.token(email, CONFIRM) if moved.status_code == 200 else ""
    asked = client.ask("DELETE", "/users/me", {"current_password": squatter.password}).status_code if not token else 0
    password, owner = fresh_password(), site.client()
    verify = site.mailbox.token(squatter.email, VERIFY)
    weak = owner.ask("POST", "/auth/verify", {"token": verify, "password": "aaaaaaaa"})
    held(weak.status_code in (400, 422), f"a weak password: {code(weak)}")
    said = spend(owner, "verify", verify, password=password)
    held(said.startswith("200"), f"with a password: {said}")
    found = {}
    if how := grip(site, client, [squatter.email, email], [squatter.password]):
        found["squatter"] = how
    if token and spend(site.client(), "confirm-email", token).startswith("200"):
        found["link"] = "the squatter's change of address can still be confirmed"
    if owner.login(squatter.email, password).status_code != 200:
        found["owner"] = "the owner's password does not sign in"
    elif (me := owner.me()) and me["name"]:
        found["name"] = f"the squatter's name stays: {me['name']}"
    if column := deletion(site, squatter.id):
        found["deletion"] = f"the squatter's deletion stays ({column}, {asked})"
    none_broken(found)


@attack(7)
def the_mail_says_who_opened_the_account(world: World) -> None:
    """The mail that confirms an address names the network address of the registration"""
    site = world.dev
    client, email = site.client(), fresh_email()
    client.register(email, fresh_password())
    mail = site.mailbox.wait(email, VERIFY)
    held(mail and client.address in mail.text, f"{client.address} is not in {mail and mail.text}")
