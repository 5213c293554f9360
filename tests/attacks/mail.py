"""The stack's mailbox, read from its folder: one file for each mail."""

import email
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SECONDS = 12.0


@dataclass(frozen=True)
class Mail:
    id: str
    to: str
    subject: str
    text: str

    @property
    def link(self) -> tuple[str, str] | None:
        """Return the page and the token of the mail's first link."""
        found = re.search(r"https?://[^\s/]+/([\w/-]+)#token=([\w-]+)", self.text)
        return (found[1], found[2]) if found else None


class Mailbox:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, Mail] = {}

    def to(self, address: str, page: str = "") -> list[Mail]:
        """Return the mails to the address, oldest first; with `page`, only those with a link to that page."""
        return [
            mail
            for mail in self._all()
            if mail.to.lower() == address.lower() and (not page or (mail.link and re.search(page, mail.link[0])))
        ]

    def wait(self, address: str, page: str = "", *, known: int = 0, seconds: float = SECONDS) -> Mail | None:
        """Return the first mail after the `known` ones, or None if none arrives in time."""
        deadline = time.monotonic() + seconds
        while True:
            if len(found := self.to(address, page)) > known:
                return found[known]
            if time.monotonic() > deadline:
                return None
            time.sleep(0.1)

    def token(self, address: str, page: str = "", *, known: int = 0, seconds: float = SECONDS) -> str:
        """Return the token of that mail."""
        mail = self.wait(address, page, known=known, seconds=seconds)
        assert mail, f"no mail {page!r} to {address}; there are {[(m.subject, m.link) for m in self.to(address)]}"
        assert mail.link, mail.text
        return mail.link[1]

    def _all(self) -> Iterator[Mail]:
        for path in sorted(self._folder.glob("*.eml")):
            if path not in self._read:
                self._read[path] = _parse(path)
            yield self._read[path]


def _parse(path: Path) -> Mail:
    message = email.message_from_bytes(path.read_bytes())
    text = ""
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
            break
    return Mail(path.stem, str(message["X-Envelope-To"]), str(message["Subject"]), text)
