#!/usr/bin/env python3
"""The applications of the mesh tests: a server with one port per way of talking, and its clients.

    traffic.py serve NAME                  7000 echo, 7001 speaks first, 7002 bulk, 7003 steady; logs what it accepts
    traffic.py call HOST PORT [COUNT]      one line there, one line back, COUNT times; prints the answers
    traffic.py halfclose HOST              closes its side first, then reads the rest
    traffic.py bulk HOST MEBIBYTES         that much both ways at once, with checksums
    traffic.py steady HOST STATUS          100 numbered messages a second both ways until SIGTERM, each byte checked
    traffic.py idle HOST COUNT STATUS      holds COUNT connections until SIGTERM
    traffic.py raw HOST PORT HEX           sends bytes, prints how the other side took it
    traffic.py tunnel HOST AUTHORITY [CERTIFICATE KEY]   speaks HBONE to port 15008, prints how far it came
"""
import asyncio
import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import sys
import time

ECHO, GREETING, BULK, STEADY = 7000, 7001, 7002, 7003
FRAME_BYTES = 64
LAST = 0xFFFFFFFFFFFFFFFF
TIMEOUT_SECONDS = 5
CHUNK = 1 << 16


def frame(salt, number):
    pattern = hashlib.sha256(salt + struct.pack(">Q", number)).digest()
    return struct.pack(">Q", number) + (pattern + pattern)[: FRAME_BYTES - 8]


def say(*words):
    print(*words, flush=True)


def write_status(path, **values):
    with open(path + ".new", "w") as file:
        json.dump(values, file)
    os.replace(path + ".new", path)


# --- the server ----------------------------------------------------------------------------------------------------

async def echo(reader, writer, name):
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def greet(reader, writer, name):
    peer = writer.get_extra_info("peername")[0].removeprefix("::ffff:")
    writer.write(f"hello from {name}, you are {peer}\n".encode())
    await reader.read(1)


async def bulk(reader, writer, name):
    size = struct.unpack(">Q", await reader.readexactly(8))[0]

    async def send():
        digest, block, rest = hashlib.sha256(), os.urandom(CHUNK), size
        while rest:
            part = block[: min(CHUNK, rest)]
            digest.update(part)
            writer.write(part)
            await writer.drain()
            rest -= len(part)
        return digest.hexdigest()

    sending = asyncio.create_task(send())
    digest, received = hashlib.sha256(), 0
    while data := await reader.read(CHUNK):
        digest.update(data)
        received += len(data)
    writer.write(f"{await sending} {digest.hexdigest()} {received}\n".encode())


async def steady(reader, writer, name):
    sent, received, stop = 0, 0, asyncio.Event()

    async def send():
        nonlocal sent
        while not stop.is_set():
            writer.write(frame(b"server", sent))
            await writer.drain()
            sent += 1
            await asyncio.sleep(0.01)

    sending = asyncio.create_task(send())
    error = ""
    try:
        while True:
            data = await reader.readexactly(FRAME_BYTES)
            if data != frame(b"client", received):
                error = f"frame {received} is wrong"
                break
            received += 1
    except asyncio.IncompleteReadError as end:
        if end.partial:
            error = f"{len(end.partial)} odd bytes at the end"
    stop.set()
    await sending
    say("steady", received, sent, error or "whole")
    if not error:
        writer.write(struct.pack(">QQQ", LAST, received, sent).ljust(FRAME_BYTES, b"."))


async def serve(name):
    def door(port, body):
        async def handle(reader, writer):
            peer = writer.get_extra_info("peername")
            say("accepted", port, peer[0].removeprefix("::ffff:"))
            try:
                await body(reader, writer, name)
                if writer.can_write_eof():
                    writer.write_eof()
            except (OSError, asyncio.IncompleteReadError) as error:
                say("broke", port, repr(error))
            finally:
                writer.close()
        return asyncio.start_server(handle, None, port, backlog=2048)

    for port, body in ((ECHO, echo), (GREETING, greet), (BULK, bulk), (STEADY, steady)):
        await door(port, body)
    say("serving", name)
    await asyncio.Event().wait()


# --- clients -------------------------------------------------------------------------------------------------------

def connect(host, port):
    connection = socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def line(connection):
    text = b""
    while not text.endswith(b"\n"):
        part = connection.recv(4096)
        if not part:
            raise EOFError("closed without an answer")
        text += part
    return text.decode().strip()


def call(host, port, count="1"):
    for number in range(int(count)):
        with connect(host, port) as connection:
            if int(port) != GREETING:
                connection.sendall(f"message {number}\n".encode())
            say(line(connection))


def read_all(connection):
    data = b""
    while part := connection.recv(CHUNK):
        data += part
    return data


def halfclose(host):
    with connect(host, ECHO) as connection:
        text = os.urandom(200_000)
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
        if answer != text:
            sys.exit(f"sent {len(text)} bytes, got {len(answer)} others back")
        say("whole")


async def bulk_client(host, mebibytes):
    size = int(mebibytes) << 20
    reader, writer = await asyncio.open_connection(host, BULK)
    writer.write(struct.pack(">Q", size))

    async def send():
        digest, block, rest = hashlib.sha256(), os.urandom(CHUNK), size
        while rest:
            part = block[: min(CHUNK, rest)]
            digest.update(part)
            writer.write(part)
            await writer.drain()
            rest -= len(part)
        writer.write_eof()
        return digest.hexdigest()

    sending = asyncio.create_task(send())
    digest, rest = hashlib.sha256(), size
    while rest:
        data = await reader.read(min(CHUNK, rest))
        if not data:
            sys.exit(f"ended {rest} bytes early")
        digest.update(data)
        rest -= len(data)
    theirs, of_ours, received = (await reader.readline()).decode().split()
    ours = await sending
    if (theirs, of_ours, int(received)) != (digest.hexdigest(), ours, size):
        sys.exit("the checksums differ")
    if await reader.read(1):
        sys.exit("bytes after the end")
    say("whole")


async def steady_client(host, path):
    reader, writer = await asyncio.open_connection(host, STEADY)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sent, received, failure = 0, 0, ""

    def tell(is_done):
        write_status(path, sent=sent, received=received, error=failure, done=is_done)

    async def send():
        nonlocal sent
        started = time.monotonic()
        while not stop.is_set():
            writer.write(frame(b"client", sent))
            await writer.drain()
            sent += 1
            if sent % 5 == 0:
                tell(False)
            await asyncio.sleep(max(0, started + sent * 0.01 - time.monotonic()))
        writer.write_eof()

    sending = asyncio.create_task(send())
    try:
        while True:
            data = await reader.readexactly(FRAME_BYTES)
            if data[:8] == struct.pack(">Q", LAST):
                counts = struct.unpack(">QQ", data[8:24])
                await sending
                if counts != (sent, received):
                    failure = f"the server counts {counts}, the client {(sent, received)}"
                elif await reader.read(1):
                    failure = "bytes after the end"
                break
            if data != frame(b"server", received):
                failure = f"frame {received} is wrong"
                break
            received += 1
    except (OSError, asyncio.IncompleteReadError) as error:
        failure = repr(error)
    tell(True)
    if failure:
        sys.exit(failure)


async def idle_client(host, count, path):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    held = []
    gate = asyncio.Semaphore(50)

    async def one(number):
        async with gate:
            reader, writer = await asyncio.open_connection(host, ECHO)
            writer.write(b"%d\n" % number)
            if await reader.readline() != b"%d\n" % number:
                raise EOFError("closed without an answer")
            held.append((reader, writer))
            if len(held) % 50 == 0:
                write_status(path, held=len(held))

    await asyncio.gather(*(one(number) for number in range(int(count))))
    write_status(path, held=len(held))
    await stop.wait()
    for _, writer in held:
        writer.close()
    write_status(path, held=0)


def taken(connection, enough=lambda data: False):
    """How the other side answered: bytes, an end, a reset, or nothing at all."""
    data = b""
    try:
        while len(data) < 1 << 20:
            part = connection.recv(CHUNK)
            if not part:
                return data, "closed"
            data += part
            if enough(data):
                return data, "enough"
    except TimeoutError:
        return data, "silent"
    except ssl.SSLError as error:
        return data, f"alert {error.reason}"
    except OSError as error:
        return data, f"reset {error.strerror}"
    return data, "flooded"


def raw(host, port, text):
    try:
        with connect(host, port) as connection:
            connection.sendall(bytes.fromhex(text))
            data, end = taken(connection)
            say(end, len(data), data[:100])
    except OSError as error:
        say("refused", error)


def http2_frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(index, text):
    return bytes([index, len(text)]) + text.encode()


def tunnel(host, authority, certificate=None, key=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["h2"])
    if certificate:
        context.load_cert_chain(certificate, key)
    try:
        with connect(host, 15008) as plain, context.wrap_socket(plain) as connection:
            head = literal(2, "CONNECT") + literal(1, authority)
            connection.sendall(
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0, 0, b"") + http2_frame(1, 4, 1, head)
                + http2_frame(0, 1, 1, b"through the tunnel\n")
            )
            connection.settimeout(2)
            data, end = taken(connection, is_answer)
            say(end, "answered" if b"through the tunnel" in data else "nothing", frames(data))
    except OSError as error:
        say("refused", error)


def is_answer(data):
    """The echo, or a status that is not 200."""
    told = frames(data)
    return b"through the tunnel" in data or "headers:" in told and "headers:88" not in told


def frames(data):
    """Kinds of the frames received; a header block as hex: 88 is status 200."""
    kinds = []
    while len(data) >= 9:
        size, kind = int.from_bytes(data[:3], "big"), data[3]
        kinds.append(f"headers:{data[9:9 + size].hex()}" if kind == 1 else str(kind))
        data = data[9 + size:]
    return " ".join(kinds)


if __name__ == "__main__":
    commands = {
        "serve": serve, "call": call, "halfclose": halfclose, "bulk": bulk_client, "steady": steady_client,
        "idle": idle_client, "raw": raw, "tunnel": tunnel,
    }
    try:
        outcome = commands[sys.argv[1]](*sys.argv[2:])
        if asyncio.iscoroutine(outcome):
            seconds = None if sys.argv[1] in ("serve", "steady", "idle") else 30
            asyncio.run(asyncio.wait_for(outcome, seconds))
    except (OSError, EOFError, TimeoutError) as error:
        sys.exit(f"failed: {error!r}")
