"""What this feature stores about accounts."""

from api.kernel import PersonalTable
from api.operations import queries

personal = [
    PersonalTable(
        name="operation_log_levels",
        file="log_levels",
        holds="Log levels that you set",
        holds_de="Protokollstufen, die Sie eingestellt haben",
        export=queries.export_levels,
        erase="`changed_by` becomes null by its foreign key",
    ),
]
