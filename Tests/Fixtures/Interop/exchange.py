#!/usr/bin/env python3
"""Both ends of a connection for the tests with foreign peers: a lot of bytes each way, checksums, half-close.

    exchange.py serve PORT              on PORT the client speaks first, on PORT+1 the server does
    exchange.py call HOST PORT MIB client-first|server-first      exit 0 and a line of JSON; 1 and the reason

Who speaks first sends everything and closes its sending side; only then the other one answers. So each way works
while the opposite one is already closed. The server prints a line of JSON for each connection that ended.
"""

import hashlib
import json
import random
import socket
import sys
import threading

BLOCK = 1 << 20
TIMEOUT_SECONDS = 60


def send(connection, mib, seed):
    """Sends and closes the sending side. Returns the checksum of what was sent."""
    blocks = [random.Random(seed + number).randbytes(BLOCK) for number in range(4)]
    digest = hashlib.sha256()
    for number in range(mib):
        # Each block differs, so that a lost or repeated one shows.
        block = number.to_bytes(8, "big") + blocks[number % 4][8:]
        digest.update(block)
        connection.sendall(block)
    connection.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def receive(connection):
    """Reads to the end. Returns the number of bytes and their checksum."""
    digest, count = hashlib.sha256(), 0
    while part := connection.recv(1 << 18):
        digest.update(part)
        count += len(part)
    return count, digest.hexdigest()


def exchange(connection, speaks_first, mib, seed):
    connection.settimeout(TIMEOUT_SECONDS)
    if speaks_first:
        sent = send(connection, mib, seed)
        count, received = receive(connection)
    else:
        count, received = receive(connection)
        sent = send(connection, count // BLOCK, seed)
    return {"receivedBytes": count, "received": received, "sent": sent}


def serve_one(connection, peer, speaks_first):
    report = {"peer": peer.removeprefix("::ffff:"), "serverFirst": speaks_first}
    try:
        with connection:
            # The one who speaks first decides how much: the server always says 64 MiB.
            report |= exchange(connection, speaks_first, 64, 2)
    except OSError as error:
        report["error"] = str(error)
    print(json.dumps(report), flush=True)


def serve(port):
    def accept(listener, speaks_first):
        while True:
            connection, peer = listener.accept()
            threading.Thread(target=serve_one, args=(connection, peer[0], speaks_first), daemon=True).start()

    threads = []
    for number, speaks_first in ((port, False), (port + 1, True)):
        listener = socket.create_server(("::", number), family=socket.AF_INET6, dualstack_ipv6=True)
        threads.append(threading.Thread(target=accept, args=(listener, speaks_first)))
    for thread in threads:
        thread.start()
    print("listening", flush=True)


def call(host, port, mib, server_first):
    with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as connection:
        print(json.dumps(exchange(connection, not server_first, mib, 1)), flush=True)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    try:
        call(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "server-first")
    except OSError as error:
        sys.exit(f"exchange failed: {error}")
