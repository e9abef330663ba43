"""Programs that run beside the benchmark, and what the kernel says about them."""

import os
import signal
import subprocess
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Running:
    """A program in the background; its output goes to a log file."""

    def __init__(self, name, command, log_folder, environment=None):
        self.name = name
        self.log_path = os.path.join(log_folder, name + ".log")
        self._log = open(self.log_path, "ab")
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            env={**os.environ, **(environment or {})}, start_new_session=True)
        self.pid = self._process.pid

    @property
    def is_alive(self):
        return self._process.poll() is None

    def log_tail(self, lines=15):
        with open(self.log_path, "r", errors="replace") as file:
            return "".join(file.readlines()[-lines:])

    def expect_alive(self):
        if not self.is_alive:
            raise RuntimeError(f"{self.name} ended with status {self._process.returncode}; "
                               f"its last words:\n{self.log_tail()}")

    def stop(self, seconds=8.0):
        """Asks it to end, then makes it."""
        if self.is_alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()

    def cpu_seconds(self):
        """User and system time so far, all threads."""
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory_mib(self, field):
        """`VmRSS` now or `VmHWM`, the highest so far; MiB."""
        with open(f"/proc/{self.pid}/status") as file:
            for line in file:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
        return 0.0


def cpu_seconds(processes):
    return sum(process.cpu_seconds() for process in processes)


class CPUSpan:
    """CPU time of some processes between two moments."""

    def __init__(self, processes):
        self.processes = processes

    def __enter__(self):
        self._start = cpu_seconds(self.processes)
        self._began = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = cpu_seconds(self.processes) - self._start
        self.elapsed = time.monotonic() - self._began

    def per(self, name, amount):
        """One named value: seconds per unit of work; none without processes."""
        return {name: self.seconds / amount} if self.processes else {}
