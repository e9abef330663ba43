"""The loads: wrk with kept and with fresh connections, iperf3, idle connections."""

import json
import os
import subprocess

from processes import CPUSpan

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 64
IDLE_CONNECTIONS = 1000
FIRST_CONNECTIONS = 50
GIB = 1 << 30


def _output(command, seconds_max):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=seconds_max)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {(done.stderr + done.stdout)[-2000:]}")
    return done.stdout


def _wrk(namespace, url, seconds, headers):
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s",
               "-s", os.path.join(HERE, "report.lua")]
    for header in headers:
        command += ["-H", header]
    output = _output(namespace.command(*command, url), seconds + 30)
    line = next(line for line in output.splitlines() if line.startswith("RESULT "))
    return json.loads(line[len("RESULT "):])


def _checked(result, what):
    """A load with more than a few failures says nothing about speed."""
    failures = result["errors"] + result["bad_status"]
    if failures > max(10, result["requests"] // 1000):
        raise RuntimeError(f"{what}: {failures} failures in {result['requests']} requests: {result}")
    return result


def requests(namespace, url, seconds, proxies, headers=()):
    """64 kept connections."""
    with CPUSpan(proxies) as cpu:
        result = _checked(_wrk(namespace, url, seconds, headers), "kept connections")
    return {
        "requests_per_second": result["requests"] / result["seconds"],
        "p50_ms": result["p50_us"] / 1000,
        "p99_ms": result["p99_us"] / 1000,
        **cpu.per("cpu_per_100k_requests", result["requests"] / 100_000),
    }


def http2_requests(namespace, url, seconds, proxies, headers, folder):
    """16 connections with 4 requests at a time each, over HTTP/2 without TLS."""
    log = os.path.join(folder, "h2load.log")
    if os.path.exists(log):
        os.remove(log)
    command = ["h2load", "-t2", "-c16", "-m4", "-D", str(seconds), "--log-file", log]
    for header in headers:
        command += ["-H", header]
    with CPUSpan(proxies) as cpu:
        output = _output(namespace.command(*command, url), seconds + 30)
    with open(log) as file:
        rows = [line.split() for line in file]
    good = sorted(int(row[2]) for row in rows if row[1] == "200")
    if len(rows) - len(good) > max(10, len(rows) // 1000) or not good:
        raise RuntimeError(f"HTTP/2: {len(rows) - len(good)} failures in {len(rows)} requests:\n{output[-1500:]}")
    return {
        "requests_per_second": len(good) / seconds,
        "p50_ms": good[len(good) // 2] / 1000,
        "p99_ms": good[len(good) * 99 // 100] / 1000,
        **cpu.per("cpu_per_100k_requests", len(good) / 100_000),
    }


def new_connections(namespace, url, seconds, proxies):
    """One request a connection, 64 at a time."""
    with CPUSpan(proxies) as cpu:
        result = _checked(_wrk(namespace, url, seconds, ["Connection: close"]), "fresh connections")
    return {
        "connections_per_second": result["requests"] / result["seconds"],
        **cpu.per("cpu_per_1000_connections", result["requests"] / 1000),
    }


def bulk(namespace, host, port, seconds, streams, proxies):
    """Bytes one way over some connections."""
    command = ["iperf3", "-c", host, "-p", str(port), "-t", str(seconds), "-P", str(streams), "-J"]
    with CPUSpan(proxies) as cpu:
        result = json.loads(_output(namespace.command(*command), seconds + 30))
    received = result["end"]["sum_received"]
    return {
        f"gbit_per_second_{streams}": received["bits_per_second"] / 1e9,
        **cpu.per(f"cpu_per_gib_{streams}", received["bytes"] / GIB),
    }


def with_idle_connections(namespace, host, port, action, count=IDLE_CONNECTIONS):
    """Opens connections through the path, proves each by a request, and runs the action while all are idle."""
    command = namespace.command("python3", os.path.join(HERE, "idle.py"), host, str(port), str(count))
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        answer = holder.stdout.readline().strip()
        if answer != f"open {count}":
            holder.kill()
            raise RuntimeError(f"idle connections: {answer} {holder.stderr.read()[-1000:]}")
        return action()
    finally:
        holder.stdin.close()
        try:
            holder.wait(10)
        except subprocess.TimeoutExpired:
            holder.kill()
            holder.wait()
