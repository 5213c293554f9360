"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.webhooks import queries

_ORPHANS = "sweep `delete_orphans`, within minutes"

personal = [
    PersonalTable(
        name="webhook_endpoints",
        file="webhooks",
        holds="Your webhooks, without their secrets",
        holds_de="Ihre Webhooks, ohne deren Geheimnisse",
        export=queries.export_endpoints,
        omits={
            "version": "number of changes",
            **dict.fromkeys(("paused_until", "failed_at", "notices"), "state of the delivery"),
        },
    ),
    PersonalTable(
        name="webhook_secrets",
        holds="Secrets of webhooks, encrypted",
        export="secrets are shown once, at their creation",
    ),
    PersonalTable(
        name="webhook_deliveries",
        holds="Deliveries to your webhooks: type of the event, state and times",
        holds_de="Zustellungen an Ihre Webhooks: Art des Ereignisses, Zustand und Zeiten",
        export=queries.export_deliveries,
        omits={
            "event_id": "the event may be about another account",
            **dict.fromkeys(("once", "lease", "due_at", "locked_until"), "state of the delivery"),
        },
        erase=_ORPHANS,
    ),
    PersonalTable(
        name="webhook_attempts",
        holds="Attempts of these deliveries, and what the receiver answered",
        holds_de="Versuche dieser Zustellungen, und was der Empfänger geantwortet hat",
        export=queries.export_attempts,
        omits=dict.fromkeys(("resolve_ms", "connect_ms", "tls_ms", "first_byte_ms"), "part of total_ms"),
        erase=f"{_ORPHANS}; of other accounts' receivers, trigger `webhook_attempts_erase` erases the answers",
    ),
]
