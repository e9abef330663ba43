#!/usr/bin/env python3
"""Stands in for a Service: connections to one port go to the first back end that takes them.

    service.py ADDRESS PORT BACKEND_PORT...
"""
import socket
import sys
import threading


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(connection, address, ports):
    for port in ports:
        try:
            upstream = socket.create_connection((address, port), timeout=2)
        except OSError:
            continue
        upstream.settimeout(None)
        threading.Thread(target=copy, args=(connection, upstream), daemon=True).start()
        copy(upstream, connection)
        upstream.close()
        break
    connection.close()


def main():
    address, port, *ports = sys.argv[1:]
    with socket.create_server((address, int(port))) as listener:
        while True:
            connection, _ = listener.accept()
            arguments = (connection, address, [int(port) for port in ports])
            threading.Thread(target=serve, args=arguments, daemon=True).start()


main()
