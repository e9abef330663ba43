"""Holds connections open: idle.py HOST PORT COUNT. Prints `open COUNT`, ends when its input does."""

import resource
import socket
import sys


def main():
    host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    request = f"GET /1k HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    held = []
    for _ in range(count):
        connection = socket.create_connection((host, port), timeout=10)
        connection.sendall(request)
        answer = b""
        while len(answer) < 1024 or not answer.endswith(b"a" * 1024):
            part = connection.recv(65536)
            if not part:
                raise SystemExit(f"closed after {len(held)} connections and {len(answer)} bytes")
            answer += part
        held.append(connection)
    print(f"open {len(held)}", flush=True)
    sys.stdin.read()


main()
