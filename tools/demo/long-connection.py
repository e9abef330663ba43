#!/usr/bin/env python3
"""Keeps one HTTP connection open and asks over it ten times a second. Writes the number of answers to a file; ends
with an error when the connection ends."""
import http.client
import os
import sys
import time

host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
connection = http.client.HTTPConnection(host, port, timeout=5)
connection.connect()
first_socket = connection.sock
answers = 0
while True:
    connection.request("GET", "/")
    connection.getresponse().read()
    if connection.sock is not first_socket:
        sys.exit("the connection was closed and opened again")
    answers += 1
    with open(path + ".new", "w") as file:
        file.write(str(answers))
    os.replace(path + ".new", path)
    time.sleep(0.1)
