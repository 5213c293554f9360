"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.personal import queries

personal = [
    PersonalTable(
        name="personal_exports",
        file="exports",
        holds="Requested exports",
        holds_de="Angeforderte Exporte",
        export=queries.export_exports,
    ),
]
