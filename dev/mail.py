"""A mail catcher: accepts SMTP, stores files and shows them on a page. Run as `python -m dev.mail FOLDER SMTP_PORT
HTTP_PORT`.

It accepts all mail and never forwards it. It listens only on 127.0.0.1."""

import asyncio
import itertools
import sys
from pathlib import Path

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev import mailbox

LARGEST = 32 * 1024 * 1024  # bytes


class Catcher:
    """aiosmtpd's handler. Answers 250 once the mail is stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store the mail; aiosmtpd defines the name. The number distinguishes mails of the same microsecond."""
        content = envelope.content
        assert isinstance(content, bytes)
        mailbox.store(self._folder, next(self._numbers), envelope.mail_from or "", envelope.rcpt_tos, content)
        return "250 OK"


async def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Catch mail until a signal ends the process. Raises OSError if the SMTP port is in use."""
    catcher = Catcher(folder)

    def connected() -> SMTP:
        return SMTP(catcher, hostname="localhost", ident="mail catcher", enable_SMTPUTF8=True, data_size_limit=LARGEST)

    smtp = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", smtp_port)
    config = uvicorn.Config(
        mailbox.page(folder), host="127.0.0.1", port=http_port, access_log=False, timeout_graceful_shutdown=1
    )
    await uvicorn.Server(config).serve()
    smtp.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
