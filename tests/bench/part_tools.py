# SPDX-License-Identifier: Apache-2.0
"""The command line's work on many accounts: enrolling a list, and what it does to logins meanwhile."""

import json
import subprocess
import time

from measure import ended, median, parse, quantile
from part_logins import options_of
from systems import memory_kib

LOOK = 0.02  # seconds between two looks at a process's memory


def command(run, service, *words, output):
    """Runs the command line against a service; its seconds and its memory. `output`: a file."""
    begin = time.monotonic()
    peak = 0
    program = [f"{run.bench.build}/cli/sparekey", "--config", f"{service.folder}/conf", "--state-dir",
               service.state, "--socket", f"{service.state}/api.sock"]
    with open(output, "w") as out, ended(subprocess.Popen(
            program + list(words), stdin=subprocess.DEVNULL, stdout=out)) as process:
        while process.poll() is None:
            peak = max(peak, memory_kib(process.pid, "VmHWM"))
            time.sleep(LOOK)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(process.args)}: exit status {process.returncode}")
    return {"seconds": time.monotonic() - begin, "peak_kib": peak}


def beside_logins(run, service, count, work):
    """What `work` returns, and one session's logins before, during and after it."""
    options = options_of(service, count, {"kind": "hotp"})
    with run.driver.started(sessions=1, count=count, **options) as ordinary:
        time.sleep(run.size.head_start)
        begin = time.monotonic_ns()
        found = work()
        end = time.monotonic_ns()
        calls = parse(run.driver.finish(ordinary))
    during = [c.microseconds for c in calls if begin <= c.begin and c.end <= end]
    apart = [c.microseconds for c in calls if c.end < begin or c.begin > end]
    return found, {"during": len(during), "p50": median(during), "p99": quantile(during, 0.99),
                   "apart": len(apart), "apart_p50": median(apart),
                   "apart_p99": quantile(apart, 0.99),
                   "denied": sum(not c.accepted for c in calls)}


def _enrol(run, service, prefix, numbers, codes):
    """Enrols a list of accounts: `prefix`, and a number each."""
    names = [f"{prefix}{number:07}" for number in numbers]
    base = f"{service.folder}/{prefix}"
    with open(f"{base}.csv", "w") as file:
        file.write("account,label\n" + "".join(f"{name},phone\n" for name in names))
    service.forget_peak()
    found = command(run, service, "user", "enroll", "--from", f"{base}.csv", "--out", f"{base}.out",
                    "--no-confirm", "--codes", codes, "--json", output=f"{base}.json")
    with open(f"{base}.json") as file:
        said = json.load(file)
    if said["enrolled"] != len(names):
        raise RuntimeError(f"enrolled {said['enrolled']} of {len(names)}")
    return {**found, "accounts": len(names), "per_second": len(names) / found["seconds"],
            "service_peak_kib": service.memory_kib("VmHWM")}


def enrolment(run):
    """Lists of accounts, without sheets and with them, and of users of the system."""
    size = run.size
    service = run.sparekey(size.small, label="listed")
    run.say(f"enrolling {size.listed:,} accounts from a list")
    found = {"sheets later": _enrol(run, service, "alone", range(size.listed), "later")}
    run.say("the same beside logins")
    found["sheets later, beside logins"], found["logins meanwhile"] = beside_logins(
        run, service, size.meanwhile,
        lambda: _enrol(run, service, "beside", range(size.listed_beside), "later"))
    run.say("with sheets")
    found["sheets at once"] = _enrol(run, service, "sheet", range(size.listed_sheets), "now")
    run.drop(service)
    run.say("users of the system")
    few = 24
    service = run.sparekey(few, label="listed", names="nss")
    found["users of the system, sheets later"] = _enrol(run, service, "user",
                                                        range(few, size.users), "later")
    run.drop(service)
    return found
