"""Free ports for servers that are told which port to use."""

import random
import socket

RANGE = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections (ip_local_port_range, 32768 to 60999), one of which could
otherwise take the port before the server does."""
_random = random.SystemRandom()


def bind_free(listener: socket.socket) -> int:
    """Bind to a free port of 127.0.0.1 and return it. Raises OSError when none is found."""
    for port in _random.sample(RANGE, 100):
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    listener.bind(("127.0.0.1", 0))
    bound: int = listener.getsockname()[1]
    return bound


def free_port() -> int:
    """A port of 127.0.0.1 that is free now. Raises OSError when none is found."""
    with socket.socket() as listener:
        return bind_free(listener)
