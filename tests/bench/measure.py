# SPDX-License-Identifier: Apache-2.0
"""Runs the driver (bench_logins) and makes figures of what it wrote down."""

import contextlib
import math
import os
import subprocess
from dataclasses import dataclass

PAM_SUCCESS = 0
PATIENCE = 900  # seconds for one run of the driver


@dataclass
class Call:
    """One timed call: see login_driver.cc."""
    kind: str
    session: int
    begin: int
    end: int
    code: int
    place: int

    @property
    def microseconds(self):
        return (self.end - self.begin) / 1000

    @property
    def accepted(self):
        return self.code == PAM_SUCCESS


def quantile(values, share):
    """The value that `share` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def median(values):
    return quantile(values, 0.5)


def per_second(calls):
    """Accepted calls a second, from the first begin to the last end."""
    accepted = sum(call.accepted for call in calls)
    return accepted / ((max(c.end for c in calls) - min(c.begin for c in calls)) / 1e9)


def summary(calls):
    """What a table needs of one run."""
    times = [call.microseconds for call in calls if call.accepted] or [math.nan]
    return {"p50": median(times), "p99": quantile(times, 0.99), "worst": max(times),
            "per_second": per_second(calls), "logins": len(calls),
            "denied": sum(not call.accepted for call in calls)}


def over_rounds(rounds):
    """Medians of the rounds' figures; the worst of the worst; all denials."""
    merged = {name: median([one[name] for one in rounds]) for name in ("p50", "p99", "per_second")}
    merged["worst"] = max(one["worst"] for one in rounds)
    for name in ("logins", "denied"):
        merged[name] = sum(one[name] for one in rounds)
    merged["of_each"] = {name: [one[name] for one in rounds] for name in ("p50", "per_second")}
    p50s = merged["of_each"]["p50"]
    merged["spread"] = max(p50s) / min(p50s)
    return merged


def ratio(one, other, name):
    """The median of the ratios within each turn: a machine that is slower for a while is so for both."""
    return median([a / b for a, b in zip(one["of_each"][name], other["of_each"][name])])


@contextlib.contextmanager
def ended(process):
    """Kills it at the end of the block if it still runs."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class Driver:
    """Starts bench_logins of one build tree; what it writes goes into `folder`."""

    def __init__(self, build, folder):
        self.program = f"{build}/tests/bench/bench_logins"
        self.folder = folder
        self.runs = 0

    @contextlib.contextmanager
    def started(self, **options):
        """A running driver: finish() waits for it. What still runs at the end of the block is killed."""
        self.runs += 1
        out = f"{self.folder}/calls{self.runs}"
        words = [self.program, f"out={out}"]
        words += [f"{name}={int(value) if isinstance(value, bool) else value}"
                  for name, value in options.items()]
        with ended(subprocess.Popen(words)) as process:
            yield process, out

    def finish(self, started):
        process, out = started
        status = process.wait(PATIENCE)
        if status != 0:
            raise RuntimeError(f"{' '.join(process.args)}: exit status {status}")
        with open(out) as file:
            lines = file.read().splitlines()
        os.unlink(out)
        return lines

    def lines(self, **options):
        with self.started(**options) as started:
            return self.finish(started)

    def calls(self, **options):
        return parse(self.lines(**options))

    def race(self, **options):
        """How many of the sessions were accepted in each round."""
        accepts = {}
        for call in self.calls(mode="race", **options):
            accepts[call.place] = accepts.get(call.place, 0) + call.accepted
        return [accepts[number] for number in sorted(accepts)]

    def memory(self, **options):
        """Private KiB that a service's modules add to a process, and PAM's code."""
        before, during, code = map(int, self.lines(mode="memory", **options)[0].split())
        return during - before, code


def parse(lines):
    calls = []
    for line in lines:
        kind, *numbers = line.split()
        calls.append(Call(kind, *map(int, numbers)))
    return calls
