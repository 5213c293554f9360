"""What a feature stores about accounts. One declaration serves the export of an account's data (GDPR, articles 15 and
20) and its erasure (article 17); a test compares the declarations with the tables of the database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from uuid import UUID

import msgspec

from api.kernel.data.database import Database, Transaction

Export = Callable[[Database, UUID], AsyncIterator[str]]
"""A query that returns the account's rows, each as a JSON object: `select row_to_json(found)::text from (…) as found`.
It returns nothing about other people, and no secret."""
Erase = Callable[[Transaction, UUID, int], Awaitable[int]]
"""A query that erases at most so many of the account's rows and returns their number. The worker repeats it after the
account's deletion, until the number is smaller."""

CASCADE = "on delete cascade"


class PersonalTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table with rows about accounts."""

    name: str
    export: Export | str
    """The query, or the reason why the rows are not exported."""
    erase: Erase | str = CASCADE
    """A query, CASCADE (by foreign keys, also over several tables), or how else the rows leave after the deletion."""
    holds: str
    """The rows in English, for the export's README, the application and docs/personal-data.md."""
    holds_de: str = ""
    """The same in German; needed if the rows are exported."""
    omits: Mapping[str, str] = {}
    """Columns that the query omits, with the reason; a test compares them with the table."""
    file: str = ""
    """Name of the file in the export; the table's name without it."""

    def __post_init__(self) -> None:
        """Raises TypeError if `holds_de` is missing."""
        if self.exported and not self.holds_de:
            raise TypeError(f"{self.name}: describe the exported rows in German, in `holds_de`.")

    @property
    def exported(self) -> Export | None:
        return None if isinstance(self.export, str) else self.export

    @property
    def erased(self) -> Erase | None:
        return None if isinstance(self.erase, str) else self.erase

    @property
    def exported_as(self) -> str:
        return self.file or self.name
