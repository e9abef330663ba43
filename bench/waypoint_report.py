"""The waypoint's figures beside Envoy's, as tables."""

import os
import signal
import statistics
import subprocess
import time

import machine
import report

VALUES = (
    ("requests_per_second", "requests/s", 0), ("p50_ms", "p50, ms", 2), ("p99_ms", "p99, ms", 2),
    ("cpu_per_100k_requests", "CPU s/100k", 2),
)


def _median(rounds, key):
    return statistics.median(values[key] for values in rounds)


def _ratio(rounds, key):
    """Median of the ratios of spans that followed each other."""
    return statistics.median(mine[key] / theirs[key] for mine, theirs in zip(rounds["apus"], rounds["envoy"])
                             if theirs[key])


def brief(rounds):
    return ", ".join(f"{title} {_median(rounds['apus'], key):.4g} to {_median(rounds['envoy'], key):.4g} "
                     f"({_ratio(rounds, key):.2f})" for key, title, _ in VALUES)


def tables(results, memories, changes, decisions, options, quiet):
    lines = []
    if results:
        header = ["waypoint, Envoy (ratio)"] + [title for _, title, _ in VALUES]
        body = [[row] + [
            f"{_median(rounds['apus'], key):,.{digits}f}, {_median(rounds['envoy'], key):,.{digits}f} "
            f"({_ratio(rounds, key):.2f})" for key, _, digits in VALUES] for row, rounds in results.items()]
        lines += [*report._markdown(header, body), ""]
        loads = quiet.load_averages or [0.0]
        lines.append(f"{options.rounds} pairs of spans of {options.seconds} s, in turn; the ratio is the median of the "
                     f"pairs'. CPU is that of the waypoint's process. {machine.description()}. Load average before a "
                     f"pair {min(loads):.1f} to {max(loads):.1f}; {quiet.noisy_spans} of {quiet.spans} pairs began on a "
                     "machine in use by others.")
    if memories:
        cell = lambda values, name: f"{values[name]:.1f}" if name in values else ""
        lines += ["", *report._markdown(["", "waypoint", "envoy"], [
            [row, cell(values, "apus"), cell(values, "envoy")] for row, values in memories.items()])]
    if changes:
        lines += ["", "From a route's changed file to the first request routed by it, "
                  f"{options.changes} changes: p50 {changes['p50']:.1f} ms, p99 {changes['p99']:.1f} ms, largest "
                  f"{changes['largest']:.1f} ms."]
    if decisions:
        header = ["routes and policies"] + [title for _, title, _ in VALUES]
        body = [[name] + [f"{_median(rounds, key):,.{digits}f}" for key, _, digits in VALUES]
                for name, rounds in decisions.items()]
        pairs = list(zip(decisions["1,000"], decisions["1"]))
        body.append(["ratio"] + [f"{statistics.median(many[key] / one[key] for many, one in pairs):.2f}"
                                 for key, _, _ in VALUES])
        lines += ["", *report._markdown(header, body)]
    return "\n".join(lines)


class Perf:
    """perf record of a waypoint during a span; a sorted text."""

    def __init__(self, name, pid, span, folder):
        os.makedirs(folder, exist_ok=True)
        self._path = os.path.join(folder, f"{name}-{span}")
        self._pid = str(pid)

    def __enter__(self):
        self._recorder = subprocess.Popen(
            ["perf", "record", "-q", "-g", "-F", "1999", "-p", self._pid, "-o", self._path + ".data"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)

    def __exit__(self, *_):
        self._recorder.send_signal(signal.SIGINT)
        self._recorder.wait()
        with open(self._path + ".txt", "w") as file:
            subprocess.run(["perf", "report", "--no-children", "-g", "none", "--percent-limit", "0.3", "--stdio",
                            "-i", self._path + ".data"], stdout=file, stderr=subprocess.DEVNULL)
