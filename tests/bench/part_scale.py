# SPDX-License-Identifier: Apache-2.0
"""What a login costs over the number of accounts and of events, and what a million accounts take."""

import glob
import os
import re
import signal

from measure import median, over_rounds, quantile, summary
from part_logins import measure, options_of
from part_tools import beside_logins, command
from systems import Floor, PeerGoogle, PeerOath, SyncCounter

STARTS = 10
OVER_EVENTS = "sparekey, over events"


def growth(run):
    """{system: {accounts, or events: figures}}, one login at a time; all daemons run beside each other."""
    size = run.size
    rounds = {}
    each = size.logins // size.turns
    least, *others, most = size.scales  # those that are compared: one after the other
    todo = [("sparekey, ask_first", accounts, run.sparekey(accounts), {"kind": "hotp"}, each)
            for accounts in (least, most, *others)]
    todo += [(OVER_EVENTS, events, run.sparekey(size.small, events=events), {"kind": "hotp"},
              each) for events in size.event_scales]
    todo += [("pam_oath", accounts, PeerOath(run.bench, accounts), {},
              max(8, min(each, 2_000_000 // accounts)))
             for accounts in size.oath_scales]
    todo += [("pam_google_authenticator", accounts, PeerGoogle(run.bench, accounts), {}, each)
             for accounts in size.google_scales]
    for number, (name, accounts, system, wishes, logins) in run.turns(todo):
        run.say(f"turn {number}: {name}, {accounts:,} accounts")
        system.renew()
        if not name.startswith("sparekey"):  # the small store's accounts have counters
            logins = min(logins, system.capacity)
        rounds.setdefault(name, {}).setdefault(accounts, []).append(
            measure(run, system, wishes, logins, 1))
    return {name: {accounts: over_rounds(figures) for accounts, figures in sorted(of.items())}
            for name, of in rounds.items()}


def _starts(service, number):
    times = []
    for _ in range(STARTS):
        service.end(number)
        times.append(service.start())
    return {"p50": median(times), "worst": max(times)}


def _with_tail(calls):
    return {**summary(calls), "p999": quantile([call.microseconds for call in calls], 0.999)}


def million(run):
    """A large store: bytes, memory, first answer, and the worst login while the log is moved."""
    accounts = run.size.scales[-1]
    syncs = SyncCounter(run.bench, "large")
    service = run.sparekey(accounts, syncs.environment, "counted")
    found = {"accounts": accounts, "fill_seconds": service.fill_seconds,
             "bytes_an_account": service.bytes_filled / accounts}
    run.say("first answers")
    found["first_answer_ms"] = _starts(service, signal.SIGTERM)
    found["resident_at_start_kib"] = service.memory_kib("VmRSS")
    run.say("the worst login")
    before = syncs.read()
    options = options_of(service, run.size.worst + 1, {"kind": "hotp"})
    calls = run.driver.calls(sessions=1, count=run.size.worst, warm=1, **options)
    found["logins"] = _with_tail(calls)
    found["syncs_beside_logins"] = syncs.read() - before - len(calls) - 1
    run.say("the worst append")  # what the disk alone does
    floor = Floor(run.bench, append=True)
    calls = run.driver.calls(sessions=1, count=run.size.worst, warm=1,
                             **floor.options(run.size.worst + 1))
    found["appends"] = _with_tail(calls)
    run.say("many at once")
    options = options_of(service, run.size.at_once, {"kind": "hotp"})
    crowd = run.driver.calls(sessions=run.size.sessions,
                             count=run.size.at_once // run.size.sessions, **options)
    found["at_once"] = summary(crowd)
    found["resident_kib"] = service.memory_kib("VmRSS")
    found["resident_peak_kib"] = service.memory_kib("VmHWM")
    found["resident_private_kib"] = private_kib(service.process.pid)
    found["first_answer_after_kill_ms"] = _starts(service, signal.SIGKILL)
    found["files"] = {os.path.basename(path): os.path.getsize(path)
                      for path in glob.glob(f"{service.state}/*db*")}
    found["listing"] = {" ".join(words): _listing(run, service, words)
                        for words in (("user", "list"), ("export", "csv"), ("export", "jsonl"))}
    run.drop(service)
    return found


def _listing(run, service, words):
    """A page at a time, to a file, while one session logs in."""
    run.say(f"sparekey {' '.join(words)}")
    service.forget_peak()
    path = f"{service.folder}/listing"
    found, logins = beside_logins(run, service, run.size.meanwhile,
                                  lambda: command(run, service, *words, output=path))
    with open(path) as file:
        found["lines"] = sum(1 for _ in file)
    return {**found, "service_peak_kib": service.memory_kib("VmHWM"), "logins": logins}


def private_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(number) for number in re.findall(r"Private_\w+: +(\d+)", file.read()))
