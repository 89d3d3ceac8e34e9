# SPDX-License-Identifier: Apache-2.0
"""Accepted logins a second over parallel sessions, with the peers; what one commit carries; and the
same on a slow disk."""

import os

from measure import median, per_second
from part_logins import BARE, options_of
from systems import Floor, PeerGoogle, PeerOath, SyncCounter


def _run(run, system, wishes, logins, sessions):
    """Calls of so many logins by so many sessions; before them a few that do not count."""
    system.renew()
    warm = 1
    each = max(2, min(logins, system.capacity) // sessions - warm)
    options = options_of(system, sessions * (each + warm), wishes)
    os.sync()  # what others have left unwritten is not this one's to wait for
    return run.driver.calls(sessions=sessions, count=each, warm=warm, **options)


def throughput(run):
    """{system: {sessions: accepted logins a second}}, and how many were wrongly denied."""
    size = run.size
    sparekey = run.sparekey(size.accounts)
    systems = [("pam_permit", Floor(run.bench), {}, size.sweep),
               (BARE, run.bare(), {}, size.sweep),
               ("pam_oath", PeerOath(run.bench, size.accounts), {}, size.oath_logins),
               ("pam_google_authenticator", PeerGoogle(run.bench, size.google_users), {},
                size.sweep),
               ("sparekey, ask_first", sparekey, {"kind": "hotp"}, size.sweep),
               ("sparekey, two steps", sparekey, {"kind": "hotp", "service": "asked"}, size.sweep)]
    found = {}
    for number in range(run.rounds):
        for sessions in size.crowds:
            run.say(f"round {number + 1}: {sessions} sessions")
            for name, system, wishes, logins in systems:
                calls = _run(run, system, wishes, logins, sessions)
                one = found.setdefault(name, {}).setdefault(sessions, {"rates": [], "denied": 0,
                                                                       "logins": 0})
                one["rates"].append(per_second(calls))
                one["denied"] += sum(not call.accepted for call in calls)
                one["logins"] += len(calls)
    for of_system in found.values():
        for one in of_system.values():
            one["per_second"] = median(one.pop("rates"))
    return found


def commits(run):
    """{disk: {sessions: logins a second and logins a sync}}: as it is, and 5 ms slower a sync."""
    found = {}
    for disk, delay in (("this disk", 0), ("5 ms more a sync", 5000)):
        syncs = SyncCounter(run.bench, f"delay-{delay}", delay)
        sparekey = run.sparekey(run.size.small, syncs.environment, f"delay-{delay}")
        for _ in range(run.rounds):
            for sessions in run.size.crowds:
                run.say(f"{disk}: {sessions} sessions")
                logins = min(run.size.sweep, 64 * sessions)
                before = syncs.read()
                calls = _run(run, sparekey, {"kind": "hotp"}, logins, sessions)
                spent = syncs.read() - before
                one = found.setdefault(disk, {}).setdefault(
                    sessions, {"rates": [], "shares": [], "p50s": [], "denied": 0})
                one["rates"].append(per_second(calls))
                # The syncs of the few logins before are among them.
                one["shares"].append((len(calls) + sessions) / max(1, spent))
                one["p50s"].append(median([call.microseconds for call in calls]))
                one["denied"] += sum(not call.accepted for call in calls)
        run.drop(sparekey)
    for of_disk in found.values():
        for one in of_disk.values():
            one["per_second"] = median(one.pop("rates"))
            one["logins_a_sync"] = median(one.pop("shares"))
            one["p50"] = median(one.pop("p50s"))
    return found
