#!/usr/bin/env python3
"""Istio's node agent as a proxy of the node sees it (ZDS): listens on a SOCK_SEQPACKET socket, takes one connection,
sends its steps one after the other and prints what each is acknowledged with. At its end the connection ends.

    agent.py SOCKET STEP...    STEP: add:UID:NAMESPACE:NAME:ACCOUNT:PATH, add without :PATH (no descriptor), keep:UID,
                               del:UID, snapshot, garbage, hold (until standard input ends)
"""
import array
import os
import socket
import sys


def field(number, value):
    data = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2, len(data)]) + data


def request(step):
    kind, *words = step.split(":")
    if kind == "add":
        uid, namespace, name, account = words[:4]
        info = field(1, name) + field(2, namespace) + field(3, account)
        return field(1, field(1, uid) + field(2, info)), words[4] if len(words) > 4 else None
    if kind == "keep":
        return field(5, field(1, words[0])), None
    if kind == "del":
        return field(2, field(2, words[0])), None
    if kind == "snapshot":
        return field(3, b""), None
    return b"\xff\xff\xff", None


def main(path, *steps):
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen(1)
    listener.settimeout(30)
    connection, _ = listener.accept()
    connection.settimeout(10)
    print("hello", connection.recv(1024).hex(), flush=True)
    for step in steps:
        if step == "hold":
            sys.stdin.read()
            continue
        data, namespace = request(step)
        ancillary = []
        if namespace:
            descriptor = os.open(namespace, os.O_RDONLY)
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
        connection.sendmsg([data], ancillary)
        answer = connection.recv(1024)
        print(step.split(":")[0], "ok" if answer == b"\x0a\x00" else answer[4:].decode(errors="replace"), flush=True)


main(*sys.argv[1:])
