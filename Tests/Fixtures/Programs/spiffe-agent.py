#!/usr/bin/env python3
"""An agent of SPIFFE's Workload API that says what a file says.

    spiffe-agent.py SOCKET SCRIPT

SCRIPT is JSON, looked at again and again; callers hear of every change at once:

    {"svids": [{"id": "spiffe://...", "chain": "HEX", "key": "HEX", "bundle": "HEX"}],
     "federated": {"spiffe://...": "HEX"}, "crl": ["HEX"],   one message
     "raw": "HEX",                                           or these bytes as a message
     "status": "PERMISSION_DENIED", "reason": "..."}         or the end of the call with this status

Messages are written by hand, from the protocol's own description. Prints one line for every call and message.
"""
import json
import os
import sys
import threading
import time
from concurrent import futures

import grpc

socket_path, script_path = sys.argv[1], sys.argv[2]


def number(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(tag, value):
    """A field with a length: text, bytes or a message."""
    return number(tag << 3 | 2) + number(len(value)) + value if value else b""


def message(script):
    if "raw" in script:
        return bytes.fromhex(script["raw"])
    out = b""
    for svid in script.get("svids", []):
        out += field(1, field(1, svid["id"].encode()) + b"".join(
            field(tag, bytes.fromhex(svid.get(name, "")))
            for tag, name in ((2, "chain"), (3, "key"), (4, "bundle"))))
    for revocations in script.get("crl", []):
        out += field(2, bytes.fromhex(revocations))
    for name, bundle in script.get("federated", {}).items():
        out += field(3, field(1, name.encode()) + field(2, bytes.fromhex(bundle)))
    return out


def read():
    with open(script_path) as file:
        return file.read()


def fetch(request, context):
    print("call", flush=True)
    metadata = dict(context.invocation_metadata())
    if metadata.get("workload.spiffe.io") != "true":
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "security header missing from request")
    said = None
    while context.is_active():
        text = read()
        if text != said:
            said = text
            script = json.loads(text)
            print("says", len(text), flush=True)
            if "status" in script:
                context.abort(getattr(grpc.StatusCode, script["status"]), script["reason"])
            yield message(script)
        time.sleep(0.02)


class Agent(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/SpiffeWorkloadAPI/FetchX509SVID":
            return grpc.unary_stream_rpc_method_handler(fetch)
        return None


# What a killed one left behind.
if os.path.exists(socket_path):
    os.unlink(socket_path)
server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
server.add_generic_rpc_handlers((Agent(),))
server.add_insecure_port("unix:" + socket_path)
server.start()
print("serving", flush=True)
threading.Event().wait()
