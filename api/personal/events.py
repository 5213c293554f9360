"""Events that this feature records."""

from api.kernel import Event, Person, Thing


class ExportRequested(Event, frozen=True, tag="personal.export_requested"):
    user_id: Person
    export_id: Thing
