#!/usr/bin/env python3
"""Asks again and again over one connection until an answer shows the wanted route; run in the client's pod.

    route_change.py HOST PATH

Reads a wanted value of `x-seen-route` a line; answers with the moment (CLOCK_MONOTONIC, s) at which the first request
began that was routed so.
"""

import http.client
import sys
import time


def main():
    connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=10)
    for line in sys.stdin:
        wanted, end = line.strip(), time.monotonic() + 10
        while True:
            began = time.monotonic()
            connection.request("GET", sys.argv[2], headers={"x-user": "bench"})
            answer = connection.getresponse()
            answer.read()
            if answer.getheader("x-seen-route") == wanted:
                print(began, flush=True)
                break
            if began > end:
                print("never", flush=True)
                break


if __name__ == "__main__":
    main()
