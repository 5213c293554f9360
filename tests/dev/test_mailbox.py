import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from dev import mailbox


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(mailbox.page(tmp_path))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def store(folder: Path, content: bytes) -> None:
    mailbox.store(folder, 1, "us@example.com", ["ada@example.com"], content)


async def shown(client: httpx.AsyncClient) -> str:
    """Return the page of the newest mail."""
    (newest, *_) = (await client.get("/messages")).json()
    return (await client.get(f"/mail/{newest['id']}")).text


async def test_the_html_part_is_framed_without_scripts_and_all_else_escaped(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "<script>1</script>", "ada@example.com"
    message["Subject"] = "<script>2</script>"
    message.set_content("<script>3</script>")
    message.add_alternative('"><script>4</script>', subtype="html")
    store(tmp_path, message.as_bytes())
    page = await client.get("/")
    letter = await shown(client)
    assert "<script" not in page.text + letter
    assert "&lt;script&gt;2&lt;/script&gt;" in page.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="&lt;base target=' in letter
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "script-src" not in page.headers["Content-Security-Policy"]


async def test_addresses_in_text_become_links_without_the_punctuation(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    store(
        tmp_path, b"Subject: x\r\n\r\nSee (http://localhost:8000/verify#token=a&b=1). javascript:x <https://e.org/>\r\n"
    )
    link = "http://localhost:8000/verify#token=a&amp;b=1"
    letter = await shown(client)
    assert f'(<a href="{link}">{link}</a>).' in letter
    assert '&lt;<a href="https://e.org/">https://e.org/</a>&gt;' in letter
    assert 'href="javascript' not in letter
    assert '<base target="_blank">' in letter


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Content-Type: text/plain; charset=latin1\r\n\r\ncaf\xe9", "café"),
        (b"Content-Type: text/plain; charset=nonsense\r\n\r\ncaf\xc3\xa9", "café"),
        (b"Subject: caf\xc3\xa9\r\n\r\nx", "café"),
        (b"Subject: =?utf-8?B?Y2Fmw6k=?=\r\n =?utf-8?Q?_noir?=\r\n\r\nx", "café noir"),
        (b"Subject: =?utf-8?B?broken!\xff?=\r\n\r\nbody", "body"),
        (b"no header \xff\xfe", "no header"),
        (b"Content-Type: multipart/mixed\r\n\r\nno boundary", "no boundary"),
        (b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!", "ada@example.com"),
        (b"", "(no subject)"),
        (
            b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (i, i) for i in range(3000)),
            "unread",
        ),
    ],
)
async def test_malformed_mail_is_shown(
    client: httpx.AsyncClient, tmp_path: Path, content: bytes, expected: str
) -> None:
    store(tmp_path, content)
    assert expected in await shown(client)
    assert (await client.get("/")).status_code == 200


@pytest.mark.parametrize("name", ["..%2f..%2fsecret", "..%2fsecret", "%2e%2e%2fsecret", "secret", "%00", "x" * 5000])
async def test_only_stored_mail_is_served(client: httpx.AsyncClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.eml").write_text("Subject: secret")
    (tmp_path.parent / "secret.eml").write_text("Subject: secret")
    assert (await client.get(f"/mail/{name}")).status_code == 404


async def test_another_host_name_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get("/messages", headers={"Host": "rebound.example"})).status_code == 400


async def test_a_thousand_mails_show_the_newest_two_hundred_first(client: httpx.AsyncClient, tmp_path: Path) -> None:
    for number in range(1000):
        store(tmp_path, b"Subject: number %d\r\n\r\n%s" % (number, b"text " * 2000))
    begun = time.monotonic()
    messages = (await client.get("/messages")).json()
    assert time.monotonic() - begun < 30
    assert [message["subject"] for message in messages] == [f"number {999 - index}" for index in range(200)]
    assert messages[0]["time"] >= messages[1]["time"]


async def test_the_mails_to_one_address_are_listed(client: httpx.AsyncClient, tmp_path: Path) -> None:
    for number, recipients in enumerate(
        [["ada@example.com"], ["grace@example.com", "ada@example.com"], ["a@example.com"]]
    ):
        mailbox.store(tmp_path, number, "us@example.com", recipients, b"Subject: %d" % number)
    answer = await client.get("/messages", params={"to": "ada@example.com"})
    assert [mail["subject"] for mail in answer.json()] == ["1", "0"]
