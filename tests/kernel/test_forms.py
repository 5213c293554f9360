"""multipart/form-data with text fields only, as browsers and curl send them."""

import contextlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.errors import UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED
from api.kernel.input.forms import MAX_FIELDS, boundary_of, parse_multipart

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


def part(head: bytes = b'Content-Disposition: form-data; name="a"', value: bytes = b"x") -> bytes:
    return b"--B\r\n" + head + b"\r\n\r\n" + value + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--B--\r\n"


@given(st.lists(st.tuples(NAMES, VALUES), max_size=10))
def test_another_encoders_form_is_read(fields: list[tuple[str, str]]) -> None:
    """C-195: httpx's."""
    files = [(name, (None, value.encode())) for name, value in fields]
    request = httpx.Request("POST", "http://h", files=files or [("a", (None, b"1"))])
    boundary = boundary_of(request.headers["content-type"].encode())
    assert boundary is not None
    assert parse_multipart(request.read(), boundary) == (fields or [("a", "1")])


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([b"--B", b"--", b"\r\n", b'Content-Disposition: form-data; name="a"', b":", b"x"])).map(
        b"".join
    )
)
def test_any_bytes_are_decoded_or_refused(text: bytes) -> None:
    """C-195."""
    with contextlib.suppress(VALIDATION_FAILED):
        assert all(isinstance(value, str) for pair in parse_multipart(text, b"B") for value in pair)


@pytest.mark.parametrize(
    "head",
    [
        b'content-disposition:form-data;name="a"',
        b"Content-Disposition: form-data; name=a",
        b'Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: form-data; name="a"',
        b'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain;charset=UTF-8',
        b'Content-Disposition: form-data; name="a"\r\nContent-Length: 7\r\nContent-Transfer-Encoding: binary',
    ],
)
def test_common_headers_of_a_text_field_are_accepted(head: bytes) -> None:
    """C-195: curl, browsers, .NET and OkHttp."""
    assert parse_multipart(body(part(head)), b"B") == [("a", "x")]
    assert parse_multipart(body(part(head)).removesuffix(b"\r\n"), b"B") == [("a", "x")]


DISPOSITION = b'Content-Disposition: form-data; name="a"'


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"--B",
        b"--B\r\n",
        part(),
        b"preamble\r\n" + body(part()),
        body(part()) + b"epilogue",
        body(part()) + body(part()),
        body(part()).replace(b"--B\r\n", b"--Bx\r\n", 1),
        body(part()).replace(b"--B\r\n", b"--B \r\n", 1),
        body(part()).replace(b"\r\n", b"\n"),
        body(b"--B\r\nx\r\n"),
        body(part(b"")),
        body(part(b"Content-Disposition form-data")),
        body(part(b"Content-Type: text/plain")),
        body(part(b'Content-Disposition: form-data; name=""')),
        body(part(b'Content-Disposition: attachment; name="a"')),
        body(part(b'Content-Disposition: form-data; name="a"; filename="a.txt"')),
        body(part(b'Content-Disposition: form-data; name="a"; name="b"')),
        body(part(b'Content-Disposition: form-data; name="a\\"b"')),
        body(part(DISPOSITION + b"\r\n" + DISPOSITION)),
        body(part(DISPOSITION + b"\r\n folded")),
        body(part(DISPOSITION + b"\r\nContent-Type: application/json")),
        body(part(DISPOSITION + b"\r\nContent-Type: text/plain; charset=utf-16")),
        body(part(DISPOSITION + b"\r\nContent-Transfer-Encoding: base64")),
        body(part(b'Content-Disposition: form-data; name="\xff"')),
        body(part(value=b"\xff")),
        body(*[part()] * (MAX_FIELDS + 1)),
    ],
)
def test_other_forms_are_refused(text: bytes) -> None:
    """C-195."""
    with pytest.raises(VALIDATION_FAILED):
        parse_multipart(text, b"B")


def test_a_hundred_fields_are_read() -> None:
    assert parse_multipart(body(*[part()] * MAX_FIELDS), b"B") == [("a", "x")] * MAX_FIELDS


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        (b"multipart/form-data; boundary=----WebKitFormBoundaryAbC", b"----WebKitFormBoundaryAbC"),
        (b"Multipart/Form-Data;BOUNDARY=x", b"x"),
        (b'multipart/form-data; boundary="a b"', None),
        (b'multipart/form-data; boundary="(a)"; charset=utf-8', b"(a)"),
        (b"multipart/form-data", None),
        (b"multipart/form-data; boundary=", None),
        (b"multipart/form-data; boundary=" + b"x" * 71, None),
        (b"multipart/form-data; boundary=a; boundary=b", None),
        (b"multipart/form-data; boundary=a; charset=latin-1", None),
        (b"multipart/form-data; boundary=\xff", None),
    ],
)
def test_a_boundary_is_read_from_the_header_or_refused(header: bytes, boundary: bytes | None) -> None:
    """C-195."""
    if boundary is None:
        with pytest.raises(UNSUPPORTED_MEDIA_TYPE):
            boundary_of(header)
    else:
        assert boundary_of(header) == boundary


@pytest.mark.parametrize("header", [b"", b"application/x-www-form-urlencoded", b"multipart/mixed; boundary=a"])
def test_another_type_has_no_boundary(header: bytes) -> None:
    assert boundary_of(header) is None
