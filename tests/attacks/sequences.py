"""Random sequences of actions of an attacker, an owner and an administrator: the attacker never gets the account."""

import random
from dataclasses import dataclass, field

from tests.attacks.attack import attack, none_broken
from tests.attacks.client import Client, fresh_email, fresh_password
from tests.attacks.site import Site
from tests.attacks.world import World

SEQUENCES, STEPS = 9, 6


@dataclass
class Scene:
    """One account's address, which only the owner can read; the attacker reads mail to addresses of their own."""

    site: Site
    chance: random.Random
    email: str = field(default_factory=lambda: fresh_email("owner"))
    evil: str = field(default_factory=lambda: fresh_email("attacker"))
    evil_passwords: list[str] = field(default_factory=lambda: [fresh_password()])
    owner_password: str = field(default_factory=fresh_password)
    evil_clients: list[Client] = field(default_factory=list)
    spent: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    def attacker(self) -> Client:
        return self.chance.choice(self.evil_clients)

    def sign_in_evil(self) -> None:
        client = self.site.client()
        for email in (self.email, self.evil):
            if client.login(email, self.evil_passwords[-1]).status_code == 200:
                self.evil_clients.append(client)
                return

    def register_evil(self) -> None:
        client = self.site.client()
        client.register(self.email, self.evil_passwords[-1])
        self.evil_clients.append(client)

    def move_evil(self) -> None:
        self.attacker().change(email=self.evil, current_password=self.evil_passwords[-1])
        self.site.mailbox.wait(self.evil, "confirm", seconds=0.7)

    def move_back_evil(self) -> None:
        self.attacker().change(email=self.email, current_password=self.evil_passwords[-1])

    def password_evil(self) -> None:
        new = fresh_password()
        answer = self.attacker().change(password=new, current_password=self.evil_passwords[-1])
        if answer.status_code == 200:
            self.evil_passwords.append(new)

    def refresh_evil(self) -> None:
        self.attacker().renew()

    def forgot_evil(self) -> None:
        for email in (self.evil, self.email):
            self.site.client().ask("POST", "/auth/forgot-password", {"email": email})

    def delete_evil(self) -> None:
        self.attacker().ask("DELETE", "/users/me", {"current_password": self.evil_passwords[-1]})

    def links_evil(self) -> None:
        self.links(self.evil, self.evil_passwords)

    def links_owner(self) -> None:
        self.links(self.email, [self.owner_password])

    def links(self, email: str, passwords: list[str]) -> None:
        """Use the links in a mailbox, newest or oldest first."""
        self.site.mailbox.wait(email, ".", seconds=0.7)
        mails = self.site.mailbox.to(email, ".")
        for mail in mails[:: self.chance.choice((1, -1))][:2]:
            assert mail.link
            page, token = mail.link
            routes = {"verif": "verify", "confirm": "confirm-email", "revert": "revert-email"}
            route = next((route for word, route in routes.items() if word in page), "reset-password")
            body = {"token": token}
            if route == "reset-password" or (route == "verify" and email == self.email):
                body["password"] = passwords[-1]
            answer = self.site.client().ask("POST", f"/auth/{route}", body)
            if answer.status_code == 422 and route == "verify":  # an older version accepts no password there
                self.site.client().ask("POST", "/auth/verify", {"token": token})

    def promote(self) -> None:
        boss = self.site.superuser().client
        for each in boss.ask("GET", f"/users?q={self.email.split('@')[0]}").json()["items"]:
            if each["email"] == self.email:
                boss.ask("PATCH", f"/users/{each['id']}", {"is_superuser": True})

    def disable_and_enable(self) -> None:
        boss = self.site.superuser().client
        for each in boss.ask("GET", f"/users?q={self.email.split('@')[0]}").json()["items"]:
            for active in (False, True):
                boss.ask("PATCH", f"/users/{each['id']}", {"is_active": active})

    def grip(self) -> str | None:
        """A session of the attacker's at the owner's proved address, or one with rights."""
        for me in filter(None, (client.me() for client in self.evil_clients)):
            if me["email"] == self.email and me["is_verified"]:
                return "a session at the owner's proved address"
            if me["is_superuser"]:
                return "a superuser's session"
        return None

    def take(self) -> str | None:
        """The owner resets the password by mail. Returns what the attacker still has at the owner's address."""
        known = len(self.site.mailbox.to(self.email, "reset"))
        self.site.client().ask("POST", "/auth/forgot-password", {"email": self.email})
        self.site.mailbox.wait(self.email, "reset", known=known, seconds=2)
        self.links(self.email, [self.owner_password])
        for mail in self.site.mailbox.to(self.email, "reset")[::-1]:
            assert mail.link
            body = {"token": mail.link[1], "password": self.owner_password}
            if self.site.client().ask("POST", "/auth/reset-password", body).status_code == 200:
                break
        self.links(self.evil, self.evil_passwords)
        for client in self.evil_clients:
            client.renew()
        if how := self.grip():
            return how
        for password in self.evil_passwords:
            client = self.site.client()
            if client.login(self.email, password).status_code == 200 and (client.me() or {}).get("is_verified"):
                return "a password at the owner's proved address"
        return None


@attack(7)
def no_random_sequence_gives_the_attacker_the_account(world: World) -> None:
    """For all actions of attacker, owner and administrator in any order, a verified address is its owner's alone"""
    site, found = world.dev, {}
    for seed in range(SEQUENCES):
        scene = Scene(site, random.Random(seed))
        scene.register_evil()
        scene.sign_in_evil()
        evil = [
            scene.sign_in_evil,
            scene.move_evil,
            scene.move_back_evil,
            scene.password_evil,
            scene.refresh_evil,
            scene.forgot_evil,
            scene.delete_evil,
            scene.links_evil,
        ]
        others = [scene.links_owner, scene.links_owner, scene.promote, scene.disable_and_enable]
        how: str | None = None
        for _ in range(STEPS):
            step = scene.chance.choice(evil if scene.chance.random() < 0.6 else others)
            scene.done.append(step.__name__)
            step()
            if how := scene.grip():
                break
        if how := how or scene.take():
            found[f"{seed}: {' → '.join(scene.done)}"] = how
    none_broken(found)
