"""multipart/form-data with a file: in any segments, with all kinds of faults."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from api.kernel.context import Context
from api.kernel.errors import Problem
from api.kernel.input.decoding import PairsDecoder
from api.kernel.input.uploads import NoFields, open_upload, plain_name
from api.kernel.settings import Settings
from tests.kernel.gallery import GALLERY, KINDS, PNG, Caption
from tests.kernel.test_routing import app_of, problem

MULTIPART = {"content-type": "multipart/form-data; boundary=b"}
TEXT = b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA day\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
END = b"\r\n--b--\r\n"


@pytest.fixture
async def gallery(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_of(settings, context, GALLERY), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        yield client


async def test_a_file_comes_with_text_fields_before_it(gallery: httpx.AsyncClient) -> None:
    """C-282."""
    data = {"title": "Ein Tag – день", "tag": ["a", "b"]}
    told = (await gallery.post("/albums", data=data, files={"file": ("my photo.png", PNG, "image/png")})).json()
    assert (told["caption"], told["filename"], told["size"]) == (data, "my photo.png", len(PNG))
    assert told["sha256"] == hashlib.sha256(PNG).hexdigest()


FAULTS: list[tuple[str, bytes, dict[str, str]]] = [
    ("a field after the file", TEXT + FILE + PNG + b"\r\n" + TEXT[:-2] + END, {"/title": "Must come before the file."}),
    ("two files", TEXT + FILE + PNG + b"\r\n" + FILE + PNG + END, {"/file": "Is given more than once."}),
    ("no file", TEXT[:-2] + END, {"/file": "This field is required."}),
    ("nothing", b"--b--\r\n", {"/title": "This field is required."}),
    ("no file chosen", TEXT + FILE.replace(b"a.png", b"") + END, {"/file": "This field is required."}),
    ("another file", TEXT + FILE.replace(b'"file"', b'"x/y"') + PNG + END, {"/x~1y": "There is no such field."}),
    ("no title", FILE + PNG + END, {"/title": "This field is required."}),
    ("two titles", TEXT + TEXT + FILE + PNG + END, {"/title": "Is given more than once."}),
    ("another field", TEXT + TEXT.replace(b"title", b"x") + FILE + PNG + END, {"/x": "There is no such field."}),
    ("no UTF-8", TEXT.replace(b"A day", b"\xff") + FILE + PNG + END, {"/title": "Must be text."}),
    ("NUL", TEXT.replace(b"A day", b"\0") + FILE + PNG + END, {"/title": "Holds a character that cannot be stored."}),
    (
        "a text of another type",
        TEXT.replace(b'"title"', b'"title"\r\nContent-Type: text/html') + FILE + PNG + END,
        {"/title": "Must be text."},
    ),
]


@pytest.mark.parametrize(("body", "errors"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
async def test_an_invalid_form_is_refused_by_its_fields(
    gallery: httpx.AsyncClient, body: bytes, errors: dict[str, str]
) -> None:
    """C-282."""
    told = problem(await gallery.post("/albums", content=body, headers=MULTIPART), 422, "VALIDATION_FAILED")
    assert {error["pointer"]: error["detail"] for error in told["errors"]} == errors


BROKEN = {
    "nothing": b"",
    "no boundary": b"x" * 1000,
    "cut off in a head": FILE[:40],
    "cut off in the file": FILE + PNG,
    "cut off before the end": FILE + PNG + b"\r\n--b",
    "no disposition": b"--b\r\nContent-Type: image/png\r\n\r\n" + PNG + END,
    "no name": FILE.replace(b' name="file";', b"") + PNG + END,
    "an attachment": FILE.replace(b"form-data", b"attachment") + PNG + END,
    "two names": FILE.replace(b'name="file"', b'name="title"; name="file"') + PNG + END,
    "a second name in RFC 5987": FILE.replace(b"filename=", b"filename*=UTF-8''a; filename=") + PNG + END,
    "two dispositions": FILE.replace(b"--b\r\n", b'--b\r\nContent-Disposition: form-data; name="x"\r\n') + PNG + END,
    "a line feed in a head": FILE.replace(b"a.png", b"a\n.png") + PNG + END,
    "NUL in a head": FILE.replace(b"a.png", b"a\0.png") + PNG + END,
    "base64": FILE.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") + PNG + END,
    "another charset": FILE.replace(b"image/png", b"image/png; charset=utf-16") + PNG + END,
    "a long head": FILE.replace(b"a.png", b"a" * 5000) + PNG + END,
    "many heads": FILE.replace(b"\r\n\r\n", b"\r\nX: y" * 20 + b"\r\n\r\n") + PNG + END,
    "a malformed head": FILE.replace(b"Content-Type:", b"Content Type") + PNG + END,
    "many parts": TEXT * 200 + FILE + PNG + END,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_malformed_multipart_is_a_400(gallery: httpx.AsyncClient, body: bytes) -> None:
    """C-283: including forms that two parsers could read differently."""
    answer = await gallery.post("/photos", content=body, headers=MULTIPART)
    problem(answer, 400, "MALFORMED_MULTIPART")
    assert answer.headers["connection"] == "close"


async def test_text_fields_are_bounded(gallery: httpx.AsyncClient) -> None:
    """C-283: for any size of the file, the fields are kept in memory."""
    body = TEXT.replace(b"A day", b"x" * 65_537) + FILE + PNG + END
    problem(await gallery.post("/albums", content=body, headers=MULTIPART), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("boundary", ["", "boundary=", "boundary=" + "b" * 71, 'boundary="b', "boundary=b; boundary=c"])
async def test_an_invalid_boundary_is_refused(gallery: httpx.AsyncClient, boundary: str) -> None:
    """C-283."""
    headers = {"content-type": f"multipart/form-data; {boundary}"}
    problem(await gallery.post("/photos", content=FILE + PNG + END, headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")


def outcome(segments: list[bytes], fields: type = Caption) -> tuple[Any, ...]:
    """Return the result of a multipart body that arrives in those segments."""
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in segments]
    messages.append({"type": "http.request"})

    async def receive() -> Message:
        return messages.pop(0)

    async def read() -> tuple[Any, ...]:
        headers = {name.encode(): value.encode() for name, value in MULTIPART.items()}
        try:
            upload, form = await open_upload(receive, headers, 10_000, KINDS, PairsDecoder(fields))
            content = b"".join([chunk async for chunk in upload])
        except Problem as refusal:
            return refusal.status, refusal.code, tuple(refusal.errors)
        assert upload.size == len(content)
        return content, upload.filename, upload.media_type, form

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(read())
    finally:
        loop.close()


def cut(body: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:end] for start, end in itertools.pairwise(ends)]


SAMPLES = [TEXT + FILE + PNG + END, b"\r\n" + FILE + PNG + END + b"epilogue", *BROKEN.values(), *[f[1] for f in FAULTS]]


@given(st.sampled_from(SAMPLES), st.lists(st.integers(0, 5000), max_size=20))
def test_segments_make_no_difference(body: bytes, places: list[int]) -> None:
    """C-283."""
    assert outcome(cut(body, places)) == outcome([body])


@given(st.sampled_from(SAMPLES), st.integers(0, 5000), st.binary(max_size=30), st.integers(0, 100))
def test_damaged_multipart_is_a_file_or_a_refusal(body: bytes, at: int, put_in: bytes, taken_out: int) -> None:
    """C-283: never an unexpected failure."""
    at %= len(body) + 1
    told = outcome([body[:at] + put_in + body[at + taken_out :]])
    if isinstance(told[0], int):
        assert told[:2] in {
            (400, "MALFORMED_MULTIPART"),
            (413, "PAYLOAD_TOO_LARGE"),
            (415, "UNSUPPORTED_MEDIA_TYPE"),
            (422, "VALIDATION_FAILED"),
        }


@given(st.binary(max_size=2000), st.lists(st.integers(0, 5000), max_size=10))
def test_a_file_is_read_unchanged(content: bytes, places: list[int]) -> None:
    """C-283: also one with many dashes and line breaks."""
    body = FILE.replace(b"image/png", b"text/plain") + content + END
    if b"\r\n--b" not in content:
        assert outcome(cut(body, places), NoFields)[:3] == (content, "a.png", "text/plain")


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\me.png", "me.png"),
        ("..", None),
        ("/", None),
        (" ", None),
        ("фото.png", "фото.png"),
        ("gnp.\u202eexe", "gnp.exe"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("x" * 300, "x" * 255),
    ],
)
def test_a_file_name_is_not_a_path(sent: str, name: str | None) -> None:
    """C-284."""
    assert plain_name(sent) == name
