"""Caught mail: parses the .eml files of a folder and renders the page that shows them.

Mail is untrusted input even here: everything is escaped except its HTML part, which is shown in a frame without
scripts."""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser
from functools import lru_cache
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from dev.files import write_whole
from dev.part import ROOT

SHOWN = 200
ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z-\d+", re.ASCII)
LINK = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]}']")
HEADERS = {
    # Mail uses inline styles; everything else is disabled, and the frame inherits the policy.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
LOOKS = ROOT / "api" / "kernel" / "contract" / "docs"
"""The palette and the mark of the API page."""
STYLE = """
* { box-sizing: border-box }
body { margin: 0; background: var(--surface); color: var(--text); font: 15px/1.55 var(--sans) }
header { display: flex; align-items: center; gap: 1rem; padding: .9rem 1.5rem; border-bottom: 1px solid var(--line) }
header a { display: flex }
header b { font-size: 1.1rem; font-weight: 650 }
header small { margin-left: auto }
main { max-width: 60rem; margin: 0 auto; padding: 1.75rem 1.5rem 4rem }
h1 { margin: 0 0 1rem; font-size: 1.35rem; font-weight: 650; overflow-wrap: anywhere }
h2 { margin: 1.75rem 0 .5rem; color: var(--quiet); font-size: .8rem; font-weight: 650; letter-spacing: .04em;
  text-transform: uppercase }
a { color: var(--primary) }
:focus-visible { outline: 2px solid var(--primary); outline-offset: 2px }
small, time, dt, .to { color: var(--quiet); font-size: .875rem }
time { white-space: nowrap; font-variant-numeric: tabular-nums }
.list { margin: 0; padding: 0; border: 1px solid var(--line); border-radius: 12px; list-style: none }
.list li + li { border-top: 1px solid var(--line) }
.list a { display: grid; grid-template-columns: 1fr auto; gap: 0 1rem; padding: .7rem 1rem; color: inherit;
  text-decoration: none; border-radius: 12px }
.list a:hover { background: var(--surface-2) }
.list b { font-weight: 600; overflow-wrap: anywhere }
.to { grid-column: 1 / -1; overflow-wrap: anywhere }
.empty { padding: 4rem 1rem; border: 1px dashed var(--line); border-radius: 12px; text-align: center }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: 0; overflow-wrap: anywhere }
dd { margin: 0 }
iframe { width: 100%; height: 32rem; border: 1px solid var(--line); border-radius: 12px; background: #fff;
  color-scheme: light }
pre { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: 12px; background: var(--surface-2);
  font: inherit; white-space: pre-wrap; overflow-wrap: anywhere }
@media (max-width: 40rem) { header, main { padding-inline: 1rem } .list a { grid-template-columns: 1fr } }
"""


@dataclass(frozen=True)
class Mail:
    """A caught mail. `time` is the time of receipt, RFC 3339 in UTC; `recipients` are those of the envelope."""

    id: str
    time: str
    sender: str
    recipients: str
    subject: str
    text: str
    html: str


def store(folder: Path, number: int, sender: str, recipients: list[str], content: bytes) -> None:
    """Write a mail as `<time>-<number>.eml`, with its envelope in two additional header fields."""
    envelope = f"Return-Path: <{sender.strip('<>')}>\r\nX-Envelope-To: {', '.join(recipients)}\r\n"
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z-{number:04}.eml"
    write_whole(folder / name, envelope.encode("utf-8", "surrogateescape") + content)


@lru_cache(maxsize=2 * SHOWN)  # files never change
def read(path: Path) -> Mail:
    """Read a mail. Unparseable parts are shown raw."""
    content = path.read_bytes()
    raw = content.decode("utf-8", "replace")
    time = datetime.strptime(path.stem.partition("-")[0], "%Y%m%dT%H%M%S.%f%z").isoformat().replace("+00:00", "Z")
    try:
        headers = HeaderParser().parsestr(raw)
        sender, subject = (
            _decoded(headers["From"] or headers.get("Return-Path", "").strip("<>")),
            _decoded(headers["Subject"]),
        )
        recipients = _decoded(headers["X-Envelope-To"] or headers["To"])
        message = message_from_bytes(content)
        text, html = _content(message, "text/plain"), _content(message, "text/html")
    except (MessageError, LookupError, ValueError, RecursionError) as error:
        return Mail(path.stem, time, "", "", f"(unreadable: {type(error).__name__})", raw, "")
    return Mail(path.stem, time, sender, recipients, subject, text if text or html else raw[:100_000], html)


def _decoded(value: str | None) -> str:
    """Return a header's text (RFC 2047), or the raw header if its encoding is broken."""
    unfolded = re.sub(r"\r?\n[ \t]*", " ", value or "")
    if "=?" not in unfolded:
        return unfolded
    try:
        return str(make_header(decode_header(unfolded)))
    except (MessageError, LookupError, ValueError):
        return unfolded


def _content(message: Message, content_type: str) -> str:
    """Return the text of the first part of that type that is not an attachment, or ""."""
    for part in message.walk():
        if part.get_content_type() == content_type and part.get_content_disposition() != "attachment":
            content = part.get_payload(decode=True)
            if not isinstance(content, bytes):
                continue
            try:
                return content.decode(part.get_content_charset("utf-8"), "replace")
            except LookupError:  # an unknown charset
                return content.decode("utf-8", "replace")
    return ""


def page(folder: Path) -> Starlette:
    """Return the mailbox application: `/` lists mails, `/mail/{id}` shows one, `/messages` is the list as JSON, newest
    first, at most 200; `/messages?to=ADDRESS` lists those of them to one address."""

    def newest() -> list[Mail]:
        paths = [path for path in folder.glob("*.eml") if ID.fullmatch(path.stem)]
        return [read(path) for path in sorted(paths, reverse=True)[:SHOWN]]

    def show_list(request: Request) -> Response:
        return HTMLResponse(_list(newest(), folder), headers=HEADERS | {"Refresh": "5"})

    def show_mail(request: Request) -> Response:
        path = folder / f"{request.path_params['id']}.eml"
        if not ID.fullmatch(path.stem) or not path.is_file():
            raise HTTPException(404, headers=HEADERS)
        return HTMLResponse(_letter(read(path)), headers=HEADERS)

    def list_messages(request: Request) -> Response:
        to = request.query_params.get("to")
        mails = [asdict(mail) for mail in newest() if to is None or to in mail.recipients.split(", ")]
        return JSONResponse(
            [{"from": mail.pop("sender"), "to": mail.pop("recipients"), **mail} for mail in mails], headers=HEADERS
        )

    def show_mark(request: Request) -> Response:
        return Response((LOOKS / "mark.svg").read_bytes(), media_type="image/svg+xml", headers=HEADERS)

    # A hostile page could resolve its own name to this address to read the mail, but cannot change the Host field.
    only_local = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    routes = [
        Route("/", show_list),
        Route("/mail/{id}", show_mail),
        Route("/messages", list_messages),
        Route("/mark.svg", show_mark),
    ]
    return Starlette(routes=routes, middleware=[only_local])


def _document(title: str, body: str, note: str = "") -> str:
    palette = (LOOKS / "palette.css").read_text()
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<title>{escape(title)}</title><base target="_blank"><link rel="icon" href="/mark.svg">'
        f'<style>{palette}{STYLE}</style><body><header><a target="_self" href="/" aria-label="All mails">'
        f'<img src="/mark.svg" alt="" width="32" height="32"></a><b>Mailbox</b><small>{note}</small></header>'
        f"<main>{body}</main></body></html>"
    )


def _list(mails: list[Mail], folder: Path) -> str:
    rows = "".join(
        f'<li><a target="_self" href="/mail/{mail.id}"><b>{escape(mail.subject) or "(no subject)"}</b>'
        f"<time>{_shown(mail.time)}</time><span class=to>{escape(mail.recipients)}</span></a>"
        for mail in mails
    )
    empty = "<p class=empty>No mail yet.<br><small>Mails of the application arrive here.</small>"
    newest = f" The newest {SHOWN} are shown." if len(mails) == SHOWN else ""
    note = f"<p><small>Each mail is a file in {escape(str(folder))}.{newest} Times are in UTC.</small>"
    listed = f"<ul class=list>{rows}</ul>" if mails else empty
    return _document("Mailbox", f"<h1>Mails of the application</h1>{listed}{note}", "reloads every 5 s")


def _shown(time: str) -> str:
    return f"{time[:10]} {time[11:19]}"


def _letter(mail: Mail) -> str:
    head = (
        f'<p><a target="_self" href="/">← All mails</a><h1>{escape(mail.subject) or "(no subject)"}</h1>'
        f"<dl><dt>From<dd>{escape(mail.sender)}<dt>To<dd>{escape(mail.recipients)}"
        f"<dt>Time<dd><time>{_shown(mail.time)} UTC</time></dl>"
    )
    frame = f'<base target="_blank">{mail.html}'
    html = (
        '<h2>HTML</h2><iframe title="HTML part" sandbox="allow-popups allow-popups-to-escape-sandbox" '
        f'srcdoc="{escape(frame)}"></iframe>'
    )
    text = f"<h2>Text</h2><pre>{_linked(mail.text)}</pre>"
    return _document(mail.subject, head + (html if mail.html else "") + (text if mail.text else ""))


def _linked(text: str) -> str:
    """Escape `text` and turn its http and https URLs into links."""
    pieces, end = [], 0
    for match in LINK.finditer(text):
        link = escape(match.group())
        pieces += [escape(text[end : match.start()]), f'<a href="{link}">{link}</a>']
        end = match.end()
    return "".join([*pieces, escape(text[end:])])
