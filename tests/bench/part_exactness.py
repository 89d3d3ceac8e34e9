# SPDX-License-Identifier: Apache-2.0
"""Exactness under concurrency and kills, with the peers in the same run: one code from many sessions
at once, wrong codes at once, and kill -9 with every code replayed."""

import glob
import random
import signal
import time

from measure import median, parse
from part_recovery import Owners
from systems import PeerGoogle, PeerOath


def _verdict(accepts, sessions):
    return {"rounds": len(accepts), "sessions": sessions, "accepts": sum(accepts),
            "not_one": sum(count != 1 for count in accepts)}


def _without_rate_limit(google):
    for path in glob.glob(f"{google.folder}/users/*"):
        with open(path) as file:
            lines = [line for line in file if "RATE_LIMIT" not in line]
        with open(path, "w") as file:
            file.writelines(lines)
    return google


def _peers(run, rounds):
    for kind in ("totp", "hotp"):
        yield f"pam_oath, {kind}", PeerOath(run.bench, rounds, kind), {}
        yield f"pam_google_authenticator, {kind}", PeerGoogle(run.bench, rounds, kind), {}
    free = PeerGoogle(run.bench, rounds, "totp", "-free")
    yield "pam_google_authenticator, totp, no rate limit", _without_rate_limit(free), {}


def one_code(run):
    """{system and kind of code: rounds, accepts, rounds in which there was not exactly one}."""
    rounds, sessions = run.size.races, run.size.sessions
    sparekey = run.sparekey(run.size.small)
    todo = [(f"sparekey, {kind}{words}", sparekey, {"kind": kind, "service": service})
            for kind in ("totp", "hotp")
            for words, service in (("", "sshd"), (", two steps", "asked"))]
    found = {}
    for name, system, wishes in [*todo, *_peers(run, rounds)]:
        run.say(f"one code at once: {name}")
        accepts = run.driver.race(sessions=sessions, count=rounds, **system.options(rounds, **wishes))
        found[name] = _verdict(accepts, sessions)
    run.say("one set of backup codes at once")
    sets = run.size.set_races
    owners = Owners(sparekey, "racing", max(1, sets // 4))
    accepts = []
    for _ in range(0, sets, len(owners.codes)):
        accepts += run.driver.race(confdir=f"{sparekey.folder}/pam", sessions=sessions,
                                   count=len(owners.codes),
                                   plan=owners.plan(f"{run.bench.folder}/plan"))
    found["sparekey, sets of backup codes"] = _verdict(accepts, sessions)
    return found


def wrong_codes(run):
    """Wrong codes of many sessions at once on fresh accounts: what was counted."""
    rounds, sessions = run.size.wrong_races, run.size.sessions
    sparekey = run.sparekey(run.size.small)
    options = sparekey.options(rounds, kind="totp")
    accepts = run.driver.race(sessions=sessions, count=rounds, wrong=1, **options)
    counted = []
    after = ""
    while True:
        page = sparekey.call("GET", f"/v1/accounts?limit=1000&after={after}")
        if not page["accounts"]:
            break
        after = page["accounts"][-1]["account"]
        counted += [one["otp_failures"] for one in page["accounts"] if one["otp_failures"] > 0]
    found = {"sparekey": {"rounds": rounds, "sessions": sessions, "accepts": sum(accepts),
                          "counted": sorted(set(counted)), "accounts": len(counted)}}
    for name, system in (("pam_oath", PeerOath(run.bench, rounds)),
                         ("pam_google_authenticator", PeerGoogle(run.bench, rounds))):
        accepts = run.driver.race(sessions=sessions, count=rounds, wrong=1, **system.options(rounds))
        # Afterwards the owner's right code: neither peer keeps a count that would lock.
        system.used = 0
        calls = run.driver.calls(count=rounds, **system.options(rounds))
        found[name] = {"rounds": rounds, "sessions": sessions, "accepts": sum(accepts),
                       "right_code_accepted_after": sum(call.accepted for call in calls)}
    return found


def kills(run):
    """kill -9 of sparekeyd under load, again and again; after each every code is sent again."""
    sparekey = run.sparekey(run.size.small)
    moments = random.Random(run.seed)
    answers, pressed, twice, acknowledged, spent_unheard = [], [], 0, 0, 0
    for number in range(run.size.kills):
        if number % 50 == 0:
            run.say(f"kill {number} of {run.size.kills}")
        each = run.size.kill_logins // run.size.sessions
        options = sparekey.options(each * run.size.sessions, kind="hotp")
        with run.driver.started(sessions=run.size.sessions, count=each, **options) as started:
            time.sleep(moments.uniform(0.01, 0.15))
            sparekey.end(signal.SIGKILL)
            if number % 2 == 0:  # while all sessions go on and are refused at once
                pressed.append(sparekey.start())
            heard = {call.place for call in parse(run.driver.finish(started)) if call.accepted}
        if number % 2 != 0:
            answers.append(sparekey.start())
        again = {call.place for call in run.driver.calls(sessions=run.size.sessions, count=each,
                                                         **options) if call.accepted}
        acknowledged += len(heard)
        twice += len(heard & again)
        spent_unheard += each * run.size.sessions - len(heard | again)
    return {"kills": run.size.kills, "seed": run.seed, "acknowledged": acknowledged,
            "accepted_twice": twice, "spent_unheard": spent_unheard,
            "first_answer_ms": {"p50": median(answers), "worst": max(answers)},
            "first_answer_pressed_ms": {"p50": median(pressed), "worst": max(pressed)}}
