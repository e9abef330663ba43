"""Network namespaces of the benchmark. All names begin with the prefix, so that leftovers are found and swept."""

import os
import signal
import subprocess
import time

PREFIX = "apusb-"


def run(*command, check=True):
    """Output of a program; an error with what it said when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def sweep():
    """Removes every namespace of an earlier run, with the processes that still live in it."""
    folder = "/run/netns"
    names = [name for name in os.listdir(folder) if name.startswith(PREFIX)] if os.path.isdir(folder) else []
    for name in names:
        for pid in run("ip", "netns", "pids", name, check=False).split():
            if pid.isdigit():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
    for name in names:
        run("ip", "netns", "delete", name, check=False)


class Namespace:
    """One pod's or node's network namespace."""

    def __init__(self, name):
        self.name = PREFIX + name
        self.path = "/run/netns/" + self.name
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        # The machine's default may be bbr, which paces links without loss for nothing. Where the machine does not
        # let a namespace choose cubic, reno is always there.
        if not self.set("net.ipv4.tcp_congestion_control", "cubic", check=False):
            self.set("net.ipv4.tcp_congestion_control", "reno")
        # Clear of every port in use here.
        self.set("net.ipv4.ip_local_port_range", "20000 64999")
        self.set("net.ipv4.tcp_tw_reuse", "1")

    def set(self, key, value, check=True):
        """Whether the kernel took it."""
        command = self.command("sysctl", "-q", "-w", f"{key}={value}")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout.strip()}")
        return done.returncode == 0

    def command(self, *command):
        """The command line that runs a program inside; it keeps its process id."""
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command, check=True):
        return run(*self.command(*command), check=check)


def link(left, left_device, left_address, right, right_device, right_address):
    """Joins two namespaces by a veth pair; addresses with prefix length."""
    run("ip", "-n", left.name, "link", "add", left_device, "type", "veth",
        "peer", "name", right_device, "netns", right.name)
    for side, device, address in ((left, left_device, left_address), (right, right_device, right_address)):
        run("ip", "-n", side.name, "link", "set", device, "up")
        run("ip", "-n", side.name, "address", "add", address, "dev", device)
    until(f"carrier on {right_device}",
          lambda: "LOWER_UP" in run("ip", "-n", right.name, "-o", "link", "show", right_device))


def until(subject, condition, seconds=10.0, interval=0.02):
    """Waits for a condition with a bound; returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds:g} s in vain for {subject}")
        time.sleep(interval)
