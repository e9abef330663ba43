#!/usr/bin/env python3
"""WebSocket applications of the mesh tests, for the Python that has websockets.

    websocket.py serve PORT     sends each message back; "close CODE WORD" closes with these; "ping" pings the caller
                                and answers "pong"; prints how each connection was closed by its caller
    websocket.py talk URL       does what callers do; prints one line for each outcome
"""
import asyncio
import os
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed

TIMEOUT_SECONDS = 10
IDLE_SECONDS = 4
LARGE_BYTES = 1 << 20


async def echo(connection):
    try:
        async for message in connection:
            if message == "ping":
                await asyncio.wait_for(await connection.ping(), TIMEOUT_SECONDS)
                await connection.send("pong")
            elif isinstance(message, str) and message.startswith("close "):
                _, code, word = message.split()
                await connection.close(int(code), word)
            else:
                await connection.send(message)
    except ConnectionClosed:
        print("closed", connection.close_code, connection.close_reason, flush=True)


async def serve(port):
    async with listen(echo, None, int(port), max_size=4 * LARGE_BYTES, ping_interval=None):
        print("serving", port, flush=True)
        await asyncio.get_running_loop().create_future()


async def same(connection, message):
    await connection.send(message)
    return await asyncio.wait_for(connection.recv(), TIMEOUT_SECONDS)


async def talk(url):
    options = dict(max_size=4 * LARGE_BYTES, ping_interval=None)
    async with connect(url, **options) as connection:
        print("text", await same(connection, "hello") == "hello")
        await asyncio.wait_for(await connection.ping(b"there?"), TIMEOUT_SECONDS)
        print("ping True")
        print("pinged", await same(connection, "ping") == "pong")
        large = os.urandom(LARGE_BYTES)
        print("large", await same(connection, large) == large)
        print("fragments", await same(connection, [b"one", b"two", b"three"]) == b"onetwothree")
        await asyncio.sleep(IDLE_SECONDS)
        print("after a pause", await same(connection, b"still") == b"still")
        try:
            await same(connection, "close 4001 enough")
        except ConnectionClosed as end:
            print("closed by the server", end.rcvd.code, end.rcvd.reason)
    async with connect(url, compression=None, **options) as connection:
        print("without compression", await same(connection, "a" * 1000) == "a" * 1000)
        await connection.close(4002, "bye")


if __name__ == "__main__":
    asyncio.run({"serve": serve, "talk": talk}[sys.argv[1]](*sys.argv[2:]))
