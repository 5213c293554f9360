"""Types of responses and rows."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec


class Export(msgspec.Struct, frozen=True):
    """A requested export. `size` is its length in bytes when it was prepared; null if it is not ready, or too long to
    be measured. The download has the current data."""

    id: UUID
    state: Literal["preparing", "ready"]
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime
    size: int | None


class ExportedFile(msgspec.Struct, frozen=True):
    """A file of an export, and what it holds, in each language."""

    name: str
    en: str
    de: str


class Exports(msgspec.Struct, frozen=True):
    """Exports that have not expired, newest first, and the files of each."""

    items: list[Export]
    files: list[ExportedFile]


class Request(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str
    language: str
    may_mail: bool
    is_ready: bool
    expires_at: datetime
