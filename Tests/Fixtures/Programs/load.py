#!/usr/bin/env python3
"""Requests all the time, while something changes.

    load.py serve PORT [STATUS]          answers each request with its own head; connections live on; writes how many
                                         answers for /load there were to STATUS
    load.py run HOST PORT RATE STATUS [FRESH] [SECONDS]
                                         RATE requests a second until SIGTERM; writes what came of them to STATUS

FRESH of twenty requests (2) go over a connection of their own, the others over connections that live on. A connection
that ends between two requests is made anew, and so is one that is SECONDS old; one that ends after a request was sent
has lost it.
"""
import asyncio
import json
import os
import signal
import socket
import sys

CALLERS = 20
TIMEOUT_SECONDS = 10
REASONS_MAX = 10


answers = 0


async def answer(reader, writer):
    global answers
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            answers += head.startswith(b"GET /load ")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(head) + head)
            await writer.drain()
            if b"\r\nconnection: close" in head.lower():
                return
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(port, path=None):
    listener = socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1024)
    server = await asyncio.start_server(answer, sock=listener)
    print("serving", port, flush=True)
    written = None
    while path:
        if written != answers:
            written = answers
            with open(path + ".new", "w") as file:
                json.dump({"answers": written}, file)
            os.replace(path + ".new", path)
        await asyncio.sleep(0.05)
    await server.serve_forever()


class Counts:
    def __init__(self, path):
        self.path = path
        self.answered = self.through = self.failed = 0
        self.reasons = []

    def fail(self, reason):
        self.failed += 1
        if len(self.reasons) < REASONS_MAX:
            self.reasons.append(reason)

    def write(self):
        values = dict(answered=self.answered, through=self.through, failed=self.failed, reasons=self.reasons)
        with open(self.path + ".new", "w") as file:
            json.dump(values, file)
        os.replace(self.path + ".new", self.path)


class Caller:
    """Sends its share of the requests, one after the other."""

    def __init__(self, host, port, interval, keeps, counts, seconds):
        self.host, self.port, self.interval, self.keeps, self.counts = host, port, interval, keeps, counts
        self.seconds = seconds
        self.connection = None
        self.opened = 0

    async def run(self, stopping):
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not stopping.is_set():
            due = max(due + self.interval, loop.time() - 1)
            await asyncio.sleep(max(0, due - loop.time()))
            step = "connect"
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    if self.connection and (self.connection[0].at_eof() or loop.time() > self.opened + self.seconds):
                        self.close()
                    if not self.connection:
                        self.opened = loop.time()
                        self.connection = await asyncio.open_connection(self.host, self.port)
                    step = "request"
                    await self.request(*self.connection)
            except Exception as error:
                self.counts.fail(f"{step}: {type(error).__name__} {error}")
                self.close()
        self.close()

    async def request(self, reader, writer):
        close = b"" if self.keeps else b"Connection: close\r\n"
        writer.write(b"GET /load HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (self.host.encode(), close))
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        body = (await reader.readexactly(length)).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise ValueError(head.split(b"\r\n")[0].decode() + " " + body.decode(errors="replace"))
        self.counts.answered += 1
        if b"x-forwarded-client-cert:" in body:
            self.counts.through += 1
        if not self.keeps or b"\r\nconnection: close" in head:
            self.close()

    def close(self):
        if self.connection:
            self.connection[1].close()
        self.connection = None


async def run(host, port, rate, path, fresh=2, seconds="inf"):
    counts = Counts(path)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    rate = float(rate)
    callers = [
        Caller(host, int(port), CALLERS / rate, number >= int(fresh), counts, float(seconds))
        for number in range(CALLERS)
    ]

    async def report():
        while True:
            counts.write()
            await asyncio.sleep(0.05)

    reporting = asyncio.create_task(report())
    await asyncio.gather(*(caller.run(stopping) for caller in callers))
    reporting.cancel()
    counts.write()


if __name__ == "__main__":
    asyncio.run({"serve": serve, "run": run}[sys.argv[1]](*sys.argv[2:]))
