"""The module protocol in a few lines, for tests that must not depend on the C client.

Source  docs/protocols/module.md 2, 3; docs/formats/encoding.md
"""
import socket
import struct

HELLO, STATUS, AUDIT_HEAD, AUDIT_APPEND, PEER_SET = 1, 2, 90, 91, 92
OK, ERR_IO, ERR_DENIED = 0, 6, 11

STATUS_FIELDS = ("esn", "version", "key_protection", "rollback_protection", "memory", "module_public", "warrant", "root",
                 "world_kind", "world_file", "module_state", "workers", "queue_len", "uptime_s", "num_sessions",
                 "num_handles", "arena_used", "arena_size", "audit_records")


def encode(value):
    """int, bytes, str or list."""
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    return head(4, len(value)) + b"".join(encode(item) for item in value)


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for width, low in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if value < 1 << (8 * width):
            return bytes([major << 5 | low]) + value.to_bytes(width, "big")
    raise ValueError(value)


def decode(data, at=0):
    """(value, where it ends)"""
    major, value = data[at] >> 5, data[at] & 31
    at += 1
    if value >= 24:
        width = 1 << (value - 24)
        value = int.from_bytes(data[at:at + width], "big")
        at += width
    if major == 0:
        return value, at
    if major == 2:
        return bytes(data[at:at + value]), at + value
    if major == 3:
        return data[at:at + value].decode(), at + value
    items = []
    for _ in range(value):
        item, at = decode(data, at)
        items.append(item)
    return items, at


class ModuleClient:
    """One connection, after HELLO."""

    def __init__(self, path, timeout=20):
        self.socket = socket.socket(socket.AF_UNIX)
        self.seq = 0
        self.received = b""
        try:
            self.socket.settimeout(timeout)
            self.socket.connect(path)
            self.hello = self.results(HELLO, [1, "test"])
        except BaseException:
            self.socket.close()
            raise

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def call(self, op, params, request_id=b""):
        """(status, detail, results or None); OSError or EOFError if the connection is lost."""
        self.seq += 1
        frame = encode([op, self.seq, request_id, 0, encode(params)])
        self.socket.sendall(struct.pack(">I", len(frame)) + frame)
        _, status, detail, _, results = decode(self.receive())[0]
        return status, detail, decode(results)[0] if results else None

    def results(self, op, params, request_id=b""):
        status, detail, results = self.call(op, params, request_id)
        if status != OK:
            raise RuntimeError(f"operation {op}: status {status} {detail}")
        return results

    def receive(self):
        while len(self.received) < 4 or len(self.received) < 4 + struct.unpack(">I", self.received[:4])[0]:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError("the module closed the connection")
            self.received += more
        end = 4 + struct.unpack(">I", self.received[:4])[0]
        frame, self.received = self.received[4:end], self.received[end:]
        return frame

    def status(self):
        return dict(zip(STATUS_FIELDS, self.results(STATUS, [])))
