#!/usr/bin/env python3
"""A program that asks a running ztunnel for its node, step by step; prints what comes back.

    successor.py SOCKET STEP...

    hello:NODE     says who it is, reads up to the end of the list
    begin          asks for everything, reads up to the end of it, and counts what came along
    version:N      a greeting of another version of the protocol
    bytes:HEX      these bytes as one packet
    read           one packet
    hold:SECONDS   waits
"""
import socket
import struct
import sys
import time

HELLO, COMPLETE, BEGIN, REFUSED = 1, 4, 5, 10


def text(value):
    return struct.pack(">H", len(value)) + value.encode()


def packet(kind, body=b"", version=1):
    return b"AH" + bytes([version, kind]) + struct.pack(">I", len(body)) + body


def greeting(node, version=1):
    return packet(HELLO, text("test") + text(node) + struct.pack(">QQ", 0, 0), version)


def receive(connection):
    """Kind, body and number of descriptors; all of them are closed at our end."""
    data, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 16)
    if not data:
        return None, b"", 0
    for descriptor in descriptors:
        socket.close(descriptor)
    return data[3], data[8:], len(descriptors)


def until_complete(connection):
    kinds, count = [], 0
    while True:
        kind, body, descriptors = receive(connection)
        count += descriptors
        if kind in (None, COMPLETE):
            return f"{len(kinds)} packets, {count} descriptors, {'whole' if kind else 'cut off'}"
        if kind == REFUSED:
            return "refused: " + body[2:].decode()
        kinds.append(kind)


def one(connection):
    kind, body, _ = receive(connection)
    return "end" if kind is None else "refused: " + body[2:].decode() if kind == REFUSED else f"kind {kind}"


def main(path, *steps):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(20)
    connection.connect(path)
    for step in steps:
        name, _, value = step.partition(":")
        try:
            if name == "hello":
                connection.send(greeting(value))
                said = until_complete(connection)
            elif name == "begin":
                connection.send(packet(BEGIN))
                said = until_complete(connection)
            elif name == "version":
                connection.send(greeting("node1", int(value)))
                said = one(connection)
            elif name == "bytes":
                connection.send(bytes.fromhex(value))
                said = "sent"
            elif name == "read":
                said = one(connection)
            else:
                time.sleep(float(value))
                said = "held"
        except (ConnectionError, BrokenPipeError) as error:
            said = f"closed {type(error).__name__}"
        print(name, said, flush=True)


main(*sys.argv[1:])
