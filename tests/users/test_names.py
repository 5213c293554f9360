"""Valid names of users."""

import unicodedata

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.context import Context
from api.kernel.errors import VALIDATION_FAILED
from api.kernel.input.conversion import convert
from api.users.importing import ImportUser
from api.users.names import LONGEST, MOST_MARKS, normal_name
from tests.factories import make_user
from tests.sessions.signing import bearer, login

NAMES = [
    "Zoë 🎉",
    "Nguyễn Thị Minh Khai",
    "هاشمی‌رفسنجانی",  # ZWNJ between letters that would join
    "क्‍ष",  # ZWJ after a virama
    "র‍্যাচেল",  # ZWJ before one
    "שָׁלוֹם",
    "မြို့",
    "ཨོཾ་མ་ཎི་པདྨེ་ཧཱུྃ",
    "김철수",
    "ジョン・スミス",
    "👩‍🔬",
    "👩🏽‍🤝‍👨🏿",
    "❤️‍🔥",
    "❤️",
    "🇩🇪",
    "O'Brien-Łukasz Jr. & Söhne (GmbH) #1 $",
    "李小龍",
]
INVISIBLE = [
    "\u3164",
    "\u2800",
    "\u00ad",
    "\u061c",
    "\u115f",
    "\u1160",
    "\uffa0",
    "\U000e0041",
    "\u180e",
    "\u200d",
    "\u200c",
    "\u200b",
    "\u2060",
    "\ufeff",
    "\u034f",
    "\ufe0f",
    "\ufe00",
    "\U000e0100",
    "\u17b4",
    "\U0001d159",
    "\u202e",
    "\u2066",
    "\ue000",
    "\u0378",
    "\x1b",
    "\t",
    "\u2028",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_is_stored_unchanged(name: str) -> None:
    """C-32, C-153."""
    assert normal_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize("invisible", INVISIBLE, ids=ascii)
@pytest.mark.parametrize("name", ["{}", "Ada{}", "{}Ada", "Ad{}a", "Ada {} Lovelace", "🎉{}", "अ{}"])
def test_an_invisible_character_is_refused_and_named(name: str, invisible: str) -> None:
    """C-153: alone, and between visible ones."""
    if invisible == "\ufe0f" and name.startswith("🎉"):
        return
    with pytest.raises(ValueError, match=rf"U\+{ord(invisible):04X} .* is invisible"):
        normal_name(name.format(invisible))


@pytest.mark.parametrize("typed", ["", " ", "\u00a0\u3000", "́", "1́", " ́a", "a\u200d🎉", "🎉\u200d", "🎉\u200da"])
def test_a_mark_or_joiner_without_a_base_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="Must not"):
        normal_name(typed)


def test_marks_are_limited() -> None:
    """C-32, C-153."""
    assert normal_name("x" + "\u0323" * MOST_MARKS)
    for pile in ("x" + "\u0323" * (MOST_MARKS + 1), "ก" + "็" * 50, "क" + "\u094d\u200d" * 10):
        with pytest.raises(ValueError, match=f"Must have at most {MOST_MARKS} marks|is invisible"):
            normal_name(pile)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Ada  Lovelace ", "Ada Lovelace"),
        ("Ada\u00a0Lovelace", "Ada Lovelace"),
        ("山田\u3000太郎", "山田 太郎"),
        ("Jose\u0301", "José"),
    ],
)
def test_a_name_has_one_normal_form(typed: str, kept: str) -> None:
    """C-153."""
    assert normal_name(typed) == kept


@given(st.text(max_size=LONGEST))
def test_any_text_is_normalised_or_refused(typed: str) -> None:
    """C-153."""
    try:
        name = normal_name(typed)
    except ValueError:
        return
    assert name == normal_name(name)
    assert name.isprintable() or "\u200c" in name or "\u200d" in name


async def test_every_route_has_the_same_rules(
    client: httpx.AsyncClient, context: Context, signed_in: httpx.AsyncClient
) -> None:
    """C-153: the profile, an invitation, an administrator's change, an import."""
    admin = await make_user(context, superuser=True)
    headers = bearer((await login(client, admin.email)).json())
    own = dict(signed_in.headers)
    for name, kept in (("Ada\u3164", None), (" Jose\u0301 ", "José")):
        answers = [
            await client.patch("/api/users/me", json={"name": name}, headers=own),
            await client.post("/api/users", json={"email": "a@b.example", "name": name}, headers=headers),
            await client.patch(f"/api/users/{admin.id}", json={"name": name}, headers=headers),
        ]
        for answer in answers:
            if kept:
                assert answer.json()["name"] == kept
            else:
                [error] = answer.json()["errors"]
                assert (answer.status_code, error["pointer"], error["code"]) == (422, "/name", "invisible")
                assert error["detail"] == "Must not have U+3164 (HANGUL FILLER) at this position: it is invisible."
                assert error["params"] == {"character": "U+3164 (HANGUL FILLER)"}
    assert convert({"email": "A@b.example", "name": " Jose\u0301 "}, ImportUser).name == "José"
    with pytest.raises(VALIDATION_FAILED):
        convert({"email": "a@b.example", "name": "\u2800"}, ImportUser)


async def test_all_faults_are_reported_at_once(signed_in: httpx.AsyncClient) -> None:
    answer = await signed_in.patch("/api/users/me", json={"name": "\u2800", "email": "no", "nick": 1})
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/name", "/email", "/nick"]
