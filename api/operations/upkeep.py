"""Work that all processes repeat."""

from api.kernel import Sweep
from api.operations.levels import FOLLOW_SECONDS, follow_log_levels

everywhere = [Sweep(follow_log_levels, seconds=FOLLOW_SECONDS)]
