# SPDX-License-Identifier: Apache-2.0
"""Recoveries with two backup codes: what they cost beside two bare hashes, and what many of them at
once do to memory and to the logins of others."""

import subprocess
import time

from measure import median, over_rounds, parse, quantile, summary
from part_logins import options_of


class Owners:
    """Accounts with real sheets, of which each pair of codes is used once."""

    def __init__(self, sparekey, prefix, count):
        self.sparekey = sparekey
        self.codes = {}
        for number in range(count):
            name = f"{prefix}{number:04}"
            made = sparekey.call("POST", f"/v1/accounts/{name}/enrolment", {"confirm": False})
            self.codes[name] = made["backup_codes"]

    def plan(self, path):
        """A plan for the driver: one recovery of each."""
        with open(path, "w") as file:
            for name, codes in self.codes.items():
                if len(codes) < 4:  # a recovery that leaves too few says so, which takes longer
                    made = self.sparekey.call("POST", f"/v1/accounts/{name}/backup-codes")
                    codes[:] = made["backup_codes"]
                file.write(f"{name} {codes.pop(0)} {codes.pop(0)}\n")
        return path


def _bare_hashes(run, count):
    """Microseconds of pairs of bare hashes."""
    made = subprocess.run([f"{run.bench.build}/tests/bench/bench_hash", str(count)], check=True,
                          capture_output=True, text=True)
    return [int(line) / 1000 for line in made.stdout.split()]


def _many_at_once(run, sparekey, owners):
    """Recoveries of all owners while one session logs in with one-time codes."""
    plan = owners.plan(f"{run.bench.folder}/plan")
    sparekey.forget_peak()
    options = options_of(sparekey, run.size.meanwhile, {"kind": "hotp"})
    with run.driver.started(sessions=1, count=run.size.meanwhile, **options) as ordinary:
        time.sleep(run.size.head_start)  # logins without recoveries, to compare with
        crowd = run.driver.calls(confdir=options["confdir"], plan=plan, sessions=len(owners.codes))
        calls = parse(run.driver.finish(ordinary))
    begin, end = min(c.begin for c in crowd), max(c.end for c in crowd)
    during = [c.microseconds for c in calls if begin <= c.begin and c.end <= end]
    apart = [c.microseconds for c in calls if c.end < begin or c.begin > end]
    return {"recoveries": len(crowd), "recovered": sum(c.accepted for c in crowd),
            "seconds": (end - begin) / 1e9, "peak_kib": sparekey.memory_kib("VmHWM"),
            "ordinary_during": len(during), "ordinary_p50": median(during),
            "ordinary_p99": quantile(during, 0.99), "apart_p50": median(apart),
            "ordinary_denied": sum(not c.accepted for c in calls)}


def recovery(run):
    sparekey = run.sparekey(run.size.accounts)
    run.say("enrolling who will recover")
    few = Owners(sparekey, "recovering", run.size.recoveries)
    many = Owners(sparekey, "crowding", run.size.recovery_crowd)
    bare, alone, crowds = [], [], []
    for number in range(run.rounds):
        run.say(f"round {number + 1}: recoveries")
        bare.append(median(_bare_hashes(run, run.size.recoveries)))
        calls = run.driver.calls(confdir=f"{sparekey.folder}/pam", count=run.size.recoveries,
                                 plan=few.plan(f"{run.bench.folder}/plan"))
        alone.append(summary(calls))
        crowds.append(_many_at_once(run, sparekey, many))
    return {"bare_p50": median(bare), "recovery": over_rounds(alone),
            "at_once": {name: {"peak_kib": max, "ordinary_denied": sum}.get(name, median)(
                [one[name] for one in crowds]) for name in crowds[0]}}
