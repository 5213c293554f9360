"""Events that this feature records."""

from api.kernel import Event, Person, Thing


class ExportRequested(Event, frozen=True, tag="personal.export_requested"):
    user_id: Person
    export_id: Thing


class ExportDownloaded(Event, frozen=True, tag="personal.export_downloaded"):
    """A download of the account's data began."""

    user_id: Person
    export_id: Thing
