"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.sessions import queries

personal = [
    PersonalTable(
        name="sessions",
        holds="Sign-ins of the last 90 days: device, network address and times",
        holds_de="Anmeldungen der letzten 90 Tage: Gerät, Netzwerkadresse und Zeiten",
        export=queries.export_sessions,
        omits={
            "generation": "number of the token",
            "rotated_at": "time of the token, about that of last_seen_at",
            "idle_expires_at": "follows from last_seen_at",
            "idle_week": "follows from last_seen_at",
            "device_id": "a secret of the browser",
        },
    ),
    PersonalTable(
        name="session_refusals",
        holds="Refused sign-ins, counted for 15 minutes",
        export="become entries of the activity within seconds",
        erase=queries.erase_refusals,
    ),
]
