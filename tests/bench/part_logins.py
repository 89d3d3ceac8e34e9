# SPDX-License-Identifier: Apache-2.0
"""Logins of all systems beside each other: one at a time, and from many processes at once."""

import os

from measure import over_rounds, summary
from systems import Floor, PeerGoogle, PeerOath

BARE = "a bare service"


def variants(run):
    """The systems in the order in which they take turns: name, system, wishes, logins."""
    size = run.size
    sparekey = run.sparekey(size.accounts)
    return [
        ("pam_permit", Floor(run.bench), {}, size.logins, size.at_once),
        ("sparekey, ask_first", sparekey, {}, size.logins, size.at_once),
        ("sparekey, two steps", sparekey, {"service": "asked"}, size.logins, size.at_once),
        ("pam_google_authenticator", PeerGoogle(run.bench, size.google_users), {},
         size.logins, size.at_once),
        ("pam_permit + append", Floor(run.bench, append=True), {}, size.logins, 0),
        (BARE, run.bare(), {}, size.logins, size.at_once),
        ("pam_oath", PeerOath(run.bench, size.accounts), {}, size.oath_logins, size.oath_logins),
        ("sparekey, ask_first, nss", run.sparekey(size.users, names="nss"), {"kind": "hotp"},
         size.logins, size.at_once),
        ("sparekey, wrong code", sparekey, {"wrong": True}, size.logins, 0),
    ]


def options_of(system, count, wishes):
    known = {name: value for name, value in wishes.items() if name != "wrong"}
    more = {"wrong": True} if "wrong" in wishes else {}
    return {**system.options(count, **known), **more}


def measure(run, system, wishes, logins, sessions):
    """One round of one system; PAM's wish for a wrong code turns denial into success."""
    warm = max(1, min(run.size.warm, logins // sessions // 8))
    each = max(1, min(logins, system.capacity) // sessions - warm)
    options = options_of(system, sessions * (each + warm), wishes)
    os.sync()  # what others have left unwritten is not this one's to wait for
    calls = run.driver.calls(sessions=sessions, count=each, warm=warm, **options)
    if "wrong" in wishes:
        for call in calls:
            call.code = 0 if call.code != 0 else 1
    return summary(calls)


def logins(run):
    """The table of the systems: {"one at a time": {system: figures}, "32 at once": …}."""
    several = f"{run.size.sessions} at once"
    rounds = {"one at a time": {}, several: {}}
    todo = variants(run)
    for number, (name, system, wishes, alone, at_once) in run.turns(todo):
        run.say(f"turn {number}: {name}")
        system.renew()
        rounds["one at a time"].setdefault(name, []).append(
            measure(run, system, wishes, alone // run.size.turns, 1))
        if at_once:
            system.renew()
            rounds[several].setdefault(name, []).append(
                measure(run, system, wishes, at_once, run.size.sessions))
    return {table: {name: over_rounds(figures) for name, figures in of.items()}
            for table, of in rounds.items()}
