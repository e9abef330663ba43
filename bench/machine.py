"""Is anybody else using this machine?"""

import os
import time


def _cpu_times():
    """Busy and total jiffies of all processors."""
    with open("/proc/stat") as file:
        values = [int(value) for value in file.readline().split()[1:9]]
    idle = values[3] + values[4]
    return sum(values) - idle, sum(values)


def busy_share(seconds):
    """Share of processor time in use during some seconds, 0 to 1."""
    busy, total = _cpu_times()
    time.sleep(seconds)
    busy_after, total_after = _cpu_times()
    return (busy_after - busy) / max(1, total_after - total)


class QuietWait:
    """Waits before each span until the machine is quiet, for a bounded time, and keeps how well that went."""

    def __init__(self, share_max=0.06, seconds_max=20.0):
        self.share_max = share_max
        self.seconds_max = seconds_max
        self.spans = 0
        self.noisy_spans = 0
        self.load_averages = []

    def wait(self):
        end = time.monotonic() + self.seconds_max
        share = busy_share(0.3)
        while share > self.share_max and time.monotonic() < end:
            share = busy_share(0.5)
        self.spans += 1
        self.noisy_spans += share > self.share_max
        self.load_averages.append(os.getloadavg()[0])


def description():
    """The machine in one line."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "processor")
    system = os.uname()
    return f"{os.cpu_count()} x {model}, {system.sysname} {system.release}"
