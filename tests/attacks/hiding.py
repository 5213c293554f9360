"""Point 8: with HIDE_ACCOUNTS no answer shows whether an address is taken, and every text has one normal form."""

import statistics
import time
import unicodedata
from collections.abc import Callable
from typing import Literal

import httpx

from tests.attacks.attack import Skipped, attack, held, none_broken
from tests.attacks.client import Client, code, fresh_email, fresh_password
from tests.attacks.site import Site
from tests.attacks.world import World

Form = Literal["NFC", "NFD"]
VARIES = {"date", "x-trace-id", "server-timing", "set-cookie", "x-ratelimit-reset", "etag", "content-length"}


def seen(response: httpx.Response, email: str) -> str:
    """Return the observable parts of an answer, without random ones: status, header names and values, body."""
    fields = {name: value for name, value in response.headers.items() if name not in VARIES}
    for name in ("ratelimit", "retry-after"):  # seconds pass
        if name in fields:
            fields[name] = "".join(letter for letter in fields[name] if not letter.isdigit())
    try:
        body = response.json()
    except ValueError:
        body = response.text
    if isinstance(body, dict):
        body = {
            name: body[name] for name in body if name in ("code", "status", "detail", "errors", "email", "is_verified")
        }
    cookies = sorted(line.partition("=")[0] for line in response.headers.get_list("set-cookie"))
    return f"{response.status_code} {fields} {body} {cookies}".replace(email, "EMAIL").replace(email.upper(), "EMAIL")


def hidden(world: World) -> dict[str, Site]:
    return {
        "hiding": world.production(HIDE_ACCOUNTS="true"),
        "hiding, verification required": world.production(HIDE_ACCOUNTS="true", REQUIRE_VERIFICATION="true"),
    }


@attack(8)
def no_sequence_of_calls_tells_a_taken_address(world: World) -> None:
    """Registering, signing in, requesting links and guessing look the same for a taken and a free address"""
    found = {}
    mine, invalid = fresh_password(), "short"

    def forms(email: str) -> dict[str, list[Callable[[Client], httpx.Response]]]:
        def register(client: Client) -> httpx.Response:
            return client.register(email, mine)

        def login(client: Client) -> httpx.Response:
            return client.login(email, mine)

        def browser(client: Client) -> httpx.Response:
            return client.cookie_login(email, mine)

        def weak(client: Client) -> httpx.Response:
            return client.register(email, invalid)

        def common(client: Client) -> httpx.Response:
            return client.register(email, "password123")

        def forgot(client: Client) -> httpx.Response:
            return client.ask("POST", "/auth/forgot-password", {"email": email})

        def again(client: Client) -> httpx.Response:
            return client.ask("POST", "/auth/request-verify-token", {"email": email})

        def shout(client: Client) -> httpx.Response:
            return client.register(email.upper(), mine)

        def own(client: Client) -> httpx.Response:
            return client.ask("PATCH", "/users/me", {"name": "x"})

        return {
            "register, sign in": [register, login, own],
            "register, sign a browser in": [register, browser],
            "register twice, sign in": [register, register, shout, login],
            "weak password": [weak, common, register, login],
            "ask for links": [forgot, again, register, again, forgot, login],
            "guess until refused": [login] * 7,
            "register, guess until refused": [register, *[login] * 7],
        }

    for where, site in hidden(world).items():
        for kind in ("verified", "unverified"):
            for name in forms(""):
                if kind == "unverified" and ("guess" in name or where != "hiding"):
                    continue
                free = fresh_email()
                if kind == "verified":  # counts are kept by address: use a fresh one
                    email = site.verified().email
                else:
                    email = fresh_email()
                    site.client().register(email, fresh_password())
                both = []
                for each in (email, free):
                    client = site.client()
                    both.append([seen(call(client), each) for call in forms(each)[name]])
                for step, (one, other) in enumerate(zip(*both, strict=True)):
                    if one != other:
                        found[f"{where}, {kind}, {name}, step {step + 1}"] = f"{one[:150]} / {other[:150]}"
                        break
    none_broken(found)


@attack(8)
def a_signed_in_stranger_learns_nothing_either(world: World) -> None:
    """While hiding, changing one's address to a taken one looks the same as to a free one"""
    found = {}
    for where, site in hidden(world).items():
        taken = site.verified()
        me = site.verified()
        both = []
        for email in (taken.email, fresh_email()):
            answer = me.client.change(email=email, current_password=me.password)
            both.append(f"{code(answer)} {sorted(set(answer.json()))}")
        if both[0] != both[1]:
            found[where] = f"{both[0][:120]} / {both[1][:120]}"
    none_broken(found)


@attack(8, alone=True)
def time_does_not_tell_a_taken_address(world: World) -> None:
    """While hiding, registering takes the same time for a taken and a free address"""
    site = world.production(HIDE_ACCOUNTS="true")
    taken = [site.verified().email for _ in range(3)]
    times: dict[str, list[float]] = {"taken": [], "free": []}
    for turn in range(12):
        for kind, email in (("taken", taken[turn % 3]), ("free", fresh_email())):
            client, password = site.client(), fresh_password()
            client.ask("GET", "/health/live")
            began = time.perf_counter()
            client.register(email, password)
            times[kind].append(time.perf_counter() - began)
    shortest = {kind: sorted(each)[:6] for kind, each in times.items()}
    one, other = (statistics.median(shortest[kind]) for kind in ("taken", "free"))
    held(max(one, other) / min(one, other) < 1.6, f"taken {one * 1000:.1f} ms, free {other * 1000:.1f} ms")


def folded(email: str) -> dict[str, str]:
    """Spellings that some case-folding rule maps to the address."""
    return {
        "kelvin": email.replace("k", "\u212a"),
        "long s": email.replace("s", "\u017f"),
        "dotless i": email.replace("i", "\u0131"),
        "dotted I": email.replace("i", "\u0130"),
        "full width": email.replace("k", "\uff4b"),
        "upper": email.upper(),
        "trailing dot": email + ".",
    }


def twists(email: str) -> dict[str, str]:
    return folded(email) | {
        "soft hyphen": email.replace("k", "k\u00ad"),
        "mathematical": email.replace("k", "\U0001d424"),
        "blank": f" {email} ",
    }


@attack(8)
def two_spellings_never_count_apart(world: World) -> None:
    """Guesses under U+212A, full width, other case and punycode count for the address that they denote, or for none"""
    found = {}
    for where, site in {"hiding": world.production(HIDE_ACCOUNTS="true"), "open": world.production()}.items():
        for name in twists("x") if where == "hiding" else ("kelvin",):
            told = []
            account = site.verified(fresh_email("kiski"))
            for email in (account.email, fresh_email("kiski")):
                for _ in range(5):
                    site.client().login(twists(email)[name], "wrong password")
                told.append(code(site.client().login(email, "wrong password")))
            if told[0] != told[1]:
                found[f"{where} {name}"] = f"an account: {told[0]}, none: {told[1]}"
            answer = site.client().login(twists(account.email)[name], account.password)
            if answer.status_code == 200 and name not in ("upper", "blank", "trailing dot", "full width", "kelvin"):
                found[f"{where} {name} signs in"] = "another text signs the account in"
    none_broken(found)


def lookalikes(email: str) -> dict[str, str]:
    return folded(email) | {
        "sharp s": email.replace("ss", "\u00df"),
        "combining": email.replace("k", "k\u0301", 1),
        "joiner": email.replace("k", "k\u200d"),
        "cyrillic": email.replace("a", "\u0430"),
        "full stop": email.replace(".", "\u3002"),
        "full width at": email.replace("@", "\uff20"),
    }


@attack(8)
def one_address_is_registered_once(world: World) -> None:
    """Every accepted spelling has one normal form: it signs in as typed, and cannot be registered twice"""
    site, found = world.dev, {}
    for name in lookalikes("x"):
        base = fresh_email("kissia")
        owner = site.unverified(base)
        twisted = lookalikes(base)[name]
        password = fresh_password()
        client = site.client()
        answer = client.register(twisted, password)
        if answer.status_code == 201:
            shown = answer.json()["email"]
            if shown == base:
                found[name] = "registered twice"
            elif client.login(twisted, password).status_code != 200:
                found[name] = f"{twisted!r} was taken as {shown!r} and cannot sign in as it was typed"
        elif answer.status_code not in (400, 422):
            found[name] = code(answer)
        signs_in = site.client().login(twisted, owner.password).status_code == 200
        if signs_in and name != "upper" and answer.status_code != 400:
            found[f"{name} signs in"] = "taken for the address it resembles, and not as registered"
    none_broken(found)


@attack(8)
def a_password_is_one_text_however_it_is_composed(world: World) -> None:
    """A password set in NFC works typed in NFD, and the other way round, on every route that takes one"""
    site, found = world.dev, {}
    orders: tuple[tuple[str, Form, Form], ...] = (("NFC, then NFD", "NFC", "NFD"), ("NFD, then NFC", "NFD", "NFC"))
    for name, first, then in orders:
        word = f"Größé-Ångström {fresh_password()}"
        one, other = unicodedata.normalize(first, word), unicodedata.normalize(then, word)
        account = site.verified(password=one)
        if site.client().login(account.email, other).status_code != 200:
            found[f"{name}, sign in"] = "refused"
        if site.client().cookie_login(account.email, other).status_code != 204:
            found[f"{name}, sign a browser in"] = "refused"
        word = f"Señor Müller {fresh_password()}"
        new, typed = unicodedata.normalize(first, word), unicodedata.normalize(then, word)
        answer = account.client.ask("POST", "/users/change-password", {"current_password": other, "new_password": new})
        if answer.status_code != 204:
            found[f"{name}, current password"] = code(answer)
        elif site.client().login(account.email, typed).status_code != 200:
            found[f"{name}, changed"] = "refused"
        site.client().ask("POST", "/auth/forgot-password", {"email": account.email})
        token = site.mailbox.token(account.email, "reset")
        site.client().ask("POST", "/auth/reset-password", {"token": token, "password": new + " é"})
        if site.client().login(account.email, unicodedata.normalize(then, new + " é")).status_code != 200:
            found[f"{name}, reset"] = "refused"
    none_broken(found)


@attack(8)
def a_turkish_database_folds_like_any_other(world: World) -> None:
    """Under tr_TR, INFO@TITLE.EXAMPLE is info@title.example, signs in, and is registered once"""
    try:
        site = world.alone("tr_TR.utf8")
    except Exception as error:
        if "locale" in str(error):
            raise Skipped("this machine has no tr_TR.utf8") from None
        raise
    client, password = site.client(), fresh_password()
    answer = client.register("INFO@TITLE.EXAMPLE", password)
    held(answer.status_code == 201, code(answer))
    held(answer.json()["email"] == "info@title.example", answer.json()["email"])
    found = {}
    for email in ("INFO@TITLE.EXAMPLE", "info@title.example", "Info@Title.example"):
        if (answer := site.client().login(email, password)).status_code != 200:
            found[f"sign in as {email}"] = code(answer)
        if (answer := site.client().register(email, fresh_password())).status_code == 201:
            found[f"register {email}"] = "a second time"
    none_broken(found)
    boss = site.superuser()
    for word in ("INFO", "info", "Info@TITLE"):
        listed = boss.client.ask("GET", f"/users?q={word}").json()["items"]
        held(len(listed) == 1, f"a search for {word} finds {len(listed)}")
