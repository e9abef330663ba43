"""Medians and ratios as a table; perf recordings as text."""

import os
import signal
import statistics
import subprocess
import time

import machine

# key, title, digits, whether the ratio to Envoy is shown
ROWS = (
    ("requests_per_second", "requests/s, 64 kept connections, 1 KiB", 0, True),
    ("p50_ms", "p50, ms", 2, True),
    ("p99_ms", "p99, ms", 2, True),
    ("cpu_per_100k_requests", "CPU s per 100k requests", 2, True),
    ("connections_per_second", "new connections/s", 0, True),
    ("cpu_per_1000_connections", "CPU s per 1,000 new connections", 3, True),
    ("gbit_per_second_1", "Gbit/s, 1 stream", 2, True),
    ("cpu_per_gib_1", "CPU s per GiB, 1 stream", 2, True),
    ("gbit_per_second_4", "Gbit/s, 4 streams", 2, True),
    ("cpu_per_gib_4", "CPU s per GiB, 4 streams", 2, True),
    ("rss_idle_mib", "RSS idle, both, MiB", 1, True),
    ("rss_idle_largest_mib", "RSS idle, the larger, MiB", 1, True),
    ("rss_1000_mib", "RSS with 1,000 idle connections, both, MiB", 1, True),
    ("kib_per_idle_connection", "KiB more per idle connection, the larger", 1, True),
    ("rss_peak_mib", "RSS at peak, both, MiB", 1, True),
)


def brief(values):
    """The speeds of one round in a line, for whoever watches."""
    shown = {"requests_per_second": "requests/s", "cpu_per_100k_requests": "CPU s/100k",
             "connections_per_second": "connections/s", "cpu_per_1000_connections": "CPU s/1,000",
             "gbit_per_second_1": "Gbit/s", "cpu_per_gib_1": "CPU s/GiB"}
    return ", ".join(f"{values[key]:.4g} {unit}" for key, unit in shown.items() if key in values)


def _median(rounds, key):
    values = [values[key] for values in rounds if key in values]
    return statistics.median(values) if values else None


def _ratio(rounds, reference, key):
    """Median of the ratios inside each round: noise of the machine hits both."""
    pairs = [(mine[key], theirs[key]) for mine, theirs in zip(rounds, reference) if key in mine and key in theirs]
    ratios = [mine / theirs for mine, theirs in pairs if theirs]
    return statistics.median(ratios) if ratios else None


def tables(results, enrolment, options, quiet):
    """Markdown, readable as it is."""
    lines = []
    names = list(results)
    reference = next((name for name in names if name.startswith("envoy")), None)
    if names:
        header = [""] + names
        body = []
        for key, title, digits, compares in ROWS:
            row = [title]
            for name in names:
                value = _median(results[name], key)
                cell = "" if value is None else f"{value:,.{digits}f}"
                if value is not None and compares and reference and name not in (reference, "direct"):
                    ratio = _ratio(results[name], results[reference], key)
                    cell += "" if ratio is None else f" ({ratio:.2f})"
                row.append(cell)
            body.append(row)
        lines += _markdown(header, body)
        lines.append("")
        if reference:
            lines.append(f"In parentheses: ratio to {reference}, median of the ratios inside each round. "
                         "`envoy-N`: N workers each; `ztunnel-N`: N event loops each.")
        loads = quiet.load_averages or [0.0]
        lines.append(f"{options.rounds} rounds, {options.seconds} s a span. {machine.description()}. "
                     f"Load average before a span {min(loads):.1f} to {max(loads):.1f}; "
                     f"{quiet.noisy_spans} of {quiet.spans} spans began on a machine in use by others.")
    if enrolment:
        lines += ["", *_markdown(["enrolment", ""], [[key, value] for key, value in enrolment])]
    return "\n".join(lines)


def _markdown(header, body):
    rows = [header, *body]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    align = lambda row: "| " + " | ".join(
        cell.ljust(widths[0]) if column == 0 else cell.rjust(widths[column]) for column, cell in enumerate(row)) + " |"
    rule = "|" + "|".join(
        "-" * (width + 2) if column == 0 else "-" * (width + 1) + ":" for column, width in enumerate(widths)) + "|"
    return [align(header), rule, *(align(row) for row in body)]


class Perf:
    """perf record of every proxy of a case during a span; a sorted text per process."""

    def __init__(self, case, span, folder):
        os.makedirs(folder, exist_ok=True)
        self._paths = [os.path.join(folder, f"{case.name}-{span}-{proxy.name}") for proxy in case.proxies]
        self._pids = [str(proxy.pid) for proxy in case.proxies]

    def __enter__(self):
        self._recorders = [
            subprocess.Popen(["perf", "record", "-q", "-g", "-F", "1999", "-p", pid, "-o", path + ".data"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for pid, path in zip(self._pids, self._paths)]
        time.sleep(0.3)

    def __exit__(self, *_):
        for recorder in self._recorders:
            recorder.send_signal(signal.SIGINT)
        for recorder, path in zip(self._recorders, self._paths):
            recorder.wait()
            with open(path + ".txt", "w") as file:
                subprocess.run(["perf", "report", "--no-children", "-g", "none", "--percent-limit", "0.3", "--stdio",
                                "-i", path + ".data"], stdout=file, stderr=subprocess.DEVNULL)
