"""Reading and writing cookies, and XSRF tokens."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.http.cookies import (
    ACCESS,
    DEVICE,
    ORIGIN_NOT_ALLOWED,
    REFRESH,
    XSRF,
    XSRF_REFUSED,
    Cookies,
    refuse_foreign,
    refuse_forgery,
    xsrf_token,
)
from api.kernel.settings import Settings

SIDS = st.uuids()


def cookies(sent: bytes) -> Cookies:
    return Cookies({b"cookie": sent})


def passes(settings: Settings, sid: UUID, **headers: str) -> bool:
    named = {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in headers.items()}
    try:
        refuse_forgery(settings, named, sid)
    except (XSRF_REFUSED, ORIGIN_NOT_ALLOWED):
        return False
    return True


# Reading and writing


@pytest.mark.parametrize("name", [ACCESS, REFRESH, DEVICE])
def test_a_secret_cookie_is_for_this_host_tls_and_no_script(name: str) -> None:
    """C-75."""
    made = cookies(b"")
    made.set(name, "x.y", 900)
    made.clear(name)
    attributes = "; Secure; HttpOnly; SameSite=Strict"
    assert name.startswith("__Host-")
    assert made.written == [f"{name}=x.y; Path=/; Max-Age=900{attributes}", f"{name}=; Path=/; Max-Age=0{attributes}"]


def test_only_the_xsrf_cookie_is_readable_by_scripts() -> None:
    made = cookies(b"")
    made.set(XSRF, "t", 900)
    assert made.written == ["XSRF-TOKEN=t; Path=/; Max-Age=900; Secure; SameSite=Strict"]


@given(st.dictionaries(st.from_regex(r"[A-Za-z_-]{1,20}", fullmatch=True), st.from_regex(r"[\w.-]*", fullmatch=True)))
def test_a_browsers_cookies_are_read(sent: dict[str, str]) -> None:
    sent = {name: value for name, value in sent.items() if value.isascii()}
    read = cookies("; ".join(f"{name}={value}" for name, value in sent.items()).encode())
    assert {name: read.get(name) for name in sent} == sent
    assert read.get("another") is None or "another" in sent


@given(st.binary(max_size=500), st.sampled_from([ACCESS, REFRESH, DEVICE, XSRF, ""]))
def test_no_cookie_header_causes_a_failure(sent: bytes, name: str) -> None:
    value = cookies(sent).get(name)
    assert value is None or isinstance(value, str)


def test_an_absent_header_has_no_cookie() -> None:
    assert Cookies({}).get(ACCESS) is None


# Forgery


@given(SIDS, SIDS)
def test_a_token_is_valid_for_its_session_only(settings: Settings, one: UUID, other: UUID) -> None:
    """C-76: not for another session, an earlier one, or one planted beside its cookie."""
    token = xsrf_token(settings, one)
    assert passes(settings, one, x_xsrf_token=token)
    assert passes(settings, other, x_xsrf_token=token) == (one == other)
    foreign = msgspec.structs.replace(settings, secret_key="another-secret-of-32-characters-at-least")
    assert not passes(foreign, one, x_xsrf_token=token)


@given(SIDS, st.text(st.characters(max_codepoint=255), max_size=100))
def test_a_forged_token_is_refused(settings: Settings, sid: UUID, made_up: str) -> None:
    assert not passes(settings, sid, x_xsrf_token=made_up)
    assert not passes(settings, sid)
    token = xsrf_token(settings, sid)
    assert not passes(settings, sid, x_xsrf_token=token[:-1])
    assert not passes(settings, sid, x_xsrf_token=token + made_up + "x")


@pytest.mark.parametrize(
    ("headers", "meant"),
    [
        ({}, True),
        ({"origin": "http://localhost:8000", "sec_fetch_site": "same-origin"}, True),
        ({"origin": "http://localhost:4200", "sec_fetch_site": "cross-site"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "http://localhost:8000.evil.example"}, False),
        ({"origin": "http://localhost:8001"}, False),
        ({"origin": "http://LOCALHOST:8000/"}, False),
        ({"origin": "\xff"}, False),
    ],
)
def test_another_sites_page_is_refused_with_any_token(settings: Settings, headers: dict[str, str], meant: bool) -> None:
    """C-77: the origins are PUBLIC_URL's and ALLOWED_ORIGINS."""
    sid = UUID(int=7)
    assert passes(settings, sid, x_xsrf_token=xsrf_token(settings, sid), **headers) is meant
    named = {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in headers.items()}
    if not meant:
        with pytest.raises(ORIGIN_NOT_ALLOWED):
            refuse_foreign(settings, named)
