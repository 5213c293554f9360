"""C-299: for any bytes after a handshake, the server answers by RFC 6455 and closes; it neither fails nor hangs."""

import os
import socket
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from tests.patient import SECONDS
from tests.wire import Web

HANDSHAKE = (
    b"GET /api/news/echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT, CLOSE, PING = 1, 8, 9


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """Return a frame (RFC 6455 §5.2) with every field as given, valid or not."""
    first, size, mask = fin << 7 | reserved << 4 | opcode, len(payload), masked << 7
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def conversation(
    port: int, *sent: bytes, early: bool = False, until: bytes = b""
) -> tuple[list[tuple[int, bytes]], int | None]:
    """Send the bytes. Returns the server's frames and the code of its close frame. The client closes after `until`."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as sock:
        if early:
            sock.sendall(HANDSHAKE + b"".join(sent))
        else:
            sock.sendall(HANDSHAKE)
        said = b""
        while b"\r\n\r\n" not in said:
            said += sock.recv(65536)
        head, _, said = said.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        try:
            if not early:
                for part in sent:
                    sock.sendall(part)
            while until not in said:
                part = sock.recv(65536)
                assert part, said
                said += part
            sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(65536):
                said += part
        except ConnectionError:
            pass
    client = ClientProtocol(parse_uri("ws://localhost"), state=State.OPEN, max_size=None)
    client.receive_data(said)
    events = client.events_received()
    frames = [
        (int(each.opcode), bytes(each.data))
        for each in events
        if isinstance(each, Frame) and each.opcode is not Opcode.PING  # a heartbeat may arrive in between
    ]
    assert not isinstance(client.parser_exc, ProtocolError), client.parser_exc
    closes = [data for opcode, data in frames if opcode == Opcode.CLOSE]
    return frames, int.from_bytes(closes[0][:2]) if closes and closes[0] else None


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b'{"text":"x"}', masked=False), 1002),
        (frame(TEXT, b"x", reserved=4), 1002),
        (frame(3), 1002),
        (frame(11), 1002),
        (frame(0, b"x"), 1002),
        (frame(PING, b"x", fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
        (frame(CLOSE, b"x"), 1002),
        (frame(CLOSE, struct.pack("!H", 1005)), 1002),
        (frame(CLOSE, struct.pack("!H", 999)), 1002),
        (frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), 1007),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"\xed\xa0\x80"), 1007),
        (struct.pack("!BBQ", 0x81, 0xFF, 2**62), 1009),
        (struct.pack("!BBQ", 0x81, 0xFF, 2**63 + 1), 1009),
        (frame(2, b"x"), 1003),
        (frame(CLOSE, struct.pack("!H", 1000)), 1000),
        (frame(CLOSE, struct.pack("!H", 4000) + b"x"), 4000),
        (frame(PING) * 600, 1008),
        (frame(TEXT, fin=False) + frame(0, fin=False) * 2000, 1008),
    ],
    # Frames have random masks, but test names must be the same in each worker.
    ids=[
        "not masked",
        "reserved bit",
        "unknown opcode 3",
        "unknown control 11",
        "continues nothing",
        "ping in parts",
        "long ping",
        "text in a text",
        "close with one byte",
        "close with 1005",
        "close with 999",
        "reason not UTF-8",
        "text not UTF-8",
        "surrogate",
        "too large",
        "negative length",
        "binary",
        "close",
        "close with 4000",
        "many pings",
        "many parts",
    ],
)
def test_invalid_frames_are_closed_with_their_code(newsroom: Web, sent: bytes, code: int) -> None:
    frames, closed = conversation(newsroom.port, sent + frame(TEXT, b'{"text":"after it"}'))
    assert closed == code
    assert [opcode for opcode, _ in frames if opcode == TEXT] == [TEXT]  # it starts; nothing is answered after the end


@pytest.mark.parametrize("early", [False, True])
def test_fragmented_messages_with_pings_between(newsroom: Web, early: bool) -> None:
    """Also in the segment of the handshake."""
    sent = frame(TEXT, b'{"te', fin=False) + frame(PING, b"p") + frame(0, b'xt":"\xc3', fin=False) + frame(0, b'\x9c"}')
    reply = '{"event":"reply","data":{"text":"Ü"}}'.encode()
    frames, _ = conversation(newsroom.port, sent, early=early, until=reply)
    assert frames[1:] == [(10, b"p"), (TEXT, reply)]


ODD = st.builds(
    frame,
    st.integers(0, 15),
    st.binary(max_size=200) | st.sampled_from([b'{"text":"x"}', b"{}", b"x" * 70_000]),
    fin=st.booleans() | st.just(True),
    reserved=st.integers(0, 7) | st.just(0),
    masked=st.just(True) | st.booleans(),
)


@given(st.lists(ODD | st.binary(max_size=40), max_size=8), st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_answered_by_rfc_6455(newsroom: Web, sent: list[bytes], early: bool) -> None:
    conversation(newsroom.port, *sent, early=early)
    frames, _ = conversation(newsroom.port, frame(TEXT, b'{"text":"still here"}'), until=b'"still here"')
    assert frames[1:] == [(TEXT, b'{"event":"reply","data":{"text":"still here"}}')]
