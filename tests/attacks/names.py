"""Point 12: visible names, a tolerant search, and strong passwords."""

import time
import unicodedata

from tests.attacks.attack import attack, held, none_broken
from tests.attacks.client import code, fresh_email, fresh_password
from tests.attacks.world import World

UNSEEN = [
    "ㅤ",
    "⠀",
    "\xad",
    "\u061c",
    "ᅟ",
    "ᅠ",
    "ﾠ",
    "\U000e0041",
    "\U000e0001",
    "\U000e007f",
    "\u180e",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u200e",
    "\u200f",
    "\u2060",
    "\u2061",
    "\u2064",
    "\ufeff",
    "͏",
    "឴",
    "឵",
    "\u202a",
    "\u202e",
    "\u2066",
    "\u2069",
    "\u206a",
    "\ufff9",
    "\ufffb",
    "\U0001d173",
    "︀",
    "️",
    "󠄀",
    "᠋",
    "\u0600",
    "\u070f",
    "\U000110bd",
    "\U0001bca0",
    "\u2028",
    "\u2029",
    "\x85",
    "\x7f",
    "\ue000",
    "\U000f0000",
    "\ufffe",
    "\U0001ffff",
    "\u0378",
    "𝅙",
]
SHOWN = [
    "José",
    "हिन्दी",
    "O’Brien",
    "O'Brien",
    "Anne-Marie Müller",
    "Анна-Мария",
    "李小龍",
    "山田 太郎",
    "محمد",
    "דוד",
    "Nguyễn Văn A",
    "Łukasz",
    "İstanbul",
    "Dr. A. B. (Ada)",
    "김민준",
    "Ὀδυσσεύς",
    "ไทย",
]


@attack(12)
def no_name_is_invisible(world: World) -> None:
    """An invisible character is refused or dropped, alone and in a name, for users and by an administrator"""
    site, found = world.dev, {}
    person = site.verified()
    boss = site.superuser().client
    for number, letter in enumerate(UNSEEN):
        shown = f"U+{ord(letter):04X}"
        for name in (letter, letter * 3, f"A{letter}da", f"Ada{letter}", f"{letter}Ada", f"Ada {letter} Lovelace"):
            joins = letter in "\u200c\u200d" and name == f"A{letter}da"
            answers = [boss.ask("PATCH", f"/users/{person.id}", {"name": name})]
            if number < 12 and name.startswith("A") and len(name) == 4:  # its route has a limit
                answers.append(person.client.change(name=name))
                answers.append(boss.ask("POST", "/users", {"email": fresh_email(), "name": name}))
            for answer in answers:
                kept = answer.json().get("name") if answer.status_code in (200, 201) else None
                if kept and letter in kept and not joins:
                    found[f"{shown} in {len(name)}"] = f"{kept!a} was taken"
                elif answer.status_code not in (200, 201, 422):
                    found[f"{shown} in {len(name)}"] = code(answer)
    for name in (" ", "\u00a0", "\u3000", "\u2003\u2003", "\u0301", "a" + "\u0301" * 40, "."):
        answer = person.client.change(name=name)
        if answer.status_code == 200 and name != ".":
            found[f"{name[:3]!r}…"] = "was taken"
    none_broken(found)


@attack(12)
def every_real_name_is_taken(world: World) -> None:
    """Names of many scripts, composed or not, are accepted"""
    site, found = world.dev, {}
    for form in ("NFC", "NFD"):
        person = site.verified()
        for name in SHOWN:
            answer = person.client.change(name=unicodedata.normalize(form, name))
            if answer.status_code != 200:
                found[f"{name} {form}"] = code(answer)
    none_broken(found)


@attack(12)
def a_search_finds_what_people_type(world: World) -> None:
    """Accounts are found by name in another case, in another composition, in Indic scripts and in Turkish"""
    site, found = world.dev, {}
    boss = site.superuser().client
    for name in (
        "हिन्दी प्रेमी",
        "José Álvarez",
        "İstanbul Işık",
        "Ångström",
        "Straße Groß",
        "Łukasz Żak",
        "Ὀδυσσεύς",
        "Анна Каренина",
        "Nguyễn Văn",
    ):
        answer = boss.ask("POST", "/users", {"email": fresh_email(), "name": name})
        held(answer.status_code == 201, f"{name}: {code(answer)}")
        id, first = answer.json()["id"], name.split()[0]
        words = {
            name,
            first,
            first[:3],
            unicodedata.normalize("NFD", first),
            unicodedata.normalize("NFC", first),
            first.upper(),
            name.split()[-1],
        }
        if name.startswith("İ") or name.startswith("S"):
            words -= {first.upper()}  # ß and ı have different capitals
        for word in words:
            answer = boss._http.get(
                "/api/users", params={"q": word, "limit": 100}, headers={"authorization": f"Bearer {boss.access}"}
            )
            if answer.status_code != 200 or id not in [each["id"] for each in answer.json()["items"]]:
                found[f"{word!a}"] = f"{name} is not found ({answer.status_code})"
    none_broken(found)


WEAK = [
    "aaaaaaaa",
    " " * 8,
    "passw0rd!",
    "password",
    "Password1!",
    "12345678",
    "qwertyuiop",
    "abcdefgh",
    "11111111",
    "aaaaaaaaaaaaaaaaaaaaaaaa",
    "abcabcabc",
    "P@ssw0rd1",
    "iloveyou1",
    "letmein123",
    "1q2w3e4r5t",
    "qwerty123456",
    "asdfghjkl",
    "monkey123",
    "19841984",
    "01011990",
    "abababababab",
    "zxcvbnm,./",
]


@attack(12)
def no_password_that_is_guessed_first_is_taken(world: World) -> None:
    """Repetitions, sequences, keyboard rows, spelled and dated words are refused on every route, with score and hint"""
    site, found = world.dev, {}
    for word in WEAK:
        answer = site.client().register(fresh_email(), word)
        if answer.status_code < 400:
            found[f"register {word!r}"] = "was taken"
    local = "margaretha.hollingsworth"
    for word in (local, local + "1", "Margaretha", f"{local}@people.example.com"):
        if site.client().register(f"{local}@people.example.com", word).status_code < 400:
            found[f"register {word!r}"] = "one's own address was taken"
    person, boss = site.verified(), site.superuser().client
    site.client().ask("POST", "/auth/forgot-password", {"email": person.email})
    token = site.mailbox.token(person.email, "reset")
    for word in WEAK[:3]:
        for name, answer in {
            "change": person.client.ask(
                "POST", "/users/change-password", {"current_password": person.password, "new_password": word}
            ),
            "PATCH": person.client.change(password=word, current_password=person.password),
            "reset": site.client().ask("POST", "/auth/reset-password", {"token": token, "password": word}),
            "administrator": boss.ask("PATCH", f"/users/{person.id}", {"password": word}),
        }.items():
            if answer.status_code < 400:
                found[f"{name} {word!r}"] = "was taken"
    answer = site.client().ask("POST", "/auth/reset-password", {"token": token, "password": fresh_password()})
    if answer.status_code != 200 and not found:
        found["reset"] = f"a weak password spent the link: {code(answer)}"
    answer = site.client().register(fresh_email(), "passw0rd!")
    if answer.status_code >= 400 and "score" not in answer.text.lower():
        found["score"] = f"is not in the error: {answer.text[:200]}"
    none_broken(found)


@attack(12)
def an_odd_password_costs_no_time(world: World) -> None:
    """Estimating a password of 128 characters, chosen to be slow, takes no longer than hashing a few"""
    site, found = world.dev, {}
    for name, word in {
        "repeats": "ab" * 64,
        "digits": "1" * 128,
        "dates": "13.12.1984" * 12 + "12345678",
        "leet": "p@$$w0rd" * 16,
        "keyboard": "qwertyuiop" * 12 + "asdfghjk",
        "leet letters": "4@8({[<369&#!1/|0$5+7%2" * 5 + "4@8({[<36",
        "unicode": "\U0001f600" * 128,
        "years": "19991998" * 16,
    }.items():
        took = []
        for _ in range(2):
            client = site.client()
            client.ask("GET", "/health/live")
            began = time.monotonic()
            answer = client.register(fresh_email(), word)
            took.append(time.monotonic() - began)
        if min(took) > 1.5 or answer.status_code >= 500:
            found[name] = f"{min(took):.1f} s, {answer.status_code}"
    none_broken(found)
