# SPDX-License-Identifier: Apache-2.0
"""What sparekey promises about its speed, beside what was measured."""

from dataclasses import dataclass

from measure import ratio

ASK_FIRST, TWO_STEPS = "sparekey, ask_first", "sparekey, two steps"
OATH, GOOGLE = "pam_oath", "pam_google_authenticator"
PERMIT, APPEND = "pam_permit", "pam_permit + append"


@dataclass
class Target:
    of: str         # what
    promise: str
    measured: str
    met: bool


def _at_least(of, number, limit, what, digits=2):
    return Target(of, f"at least {limit:g} {what}", f"{number:.{digits}f}", number >= limit)


def _at_most(of, number, limit, what, digits=2):
    return Target(of, f"at most {limit:g} {what}", f"{number:.{digits}f}", number <= limit)


def _exactly(of, number, wanted, what):
    return Target(of, f"{wanted} {what}", str(number), number == wanted)


def _logins(found):
    alone = found["one at a time"]
    several_name, several = next((name, of) for name, of in found.items() if "at once" in name)

    def p50s(name, other):
        return ratio(alone[name], alone[other], "p50")

    def rates(name, other):
        return ratio(several[name], several[other], "per_second")
    one, two = "one login at a time", "the same in two steps"
    yield _at_least(one, p50s(OATH, ASK_FIRST), 60, "x faster than pam_oath")
    yield _at_least(one, p50s(GOOGLE, ASK_FIRST), 1.25, "x faster than pam_google_authenticator")
    yield _at_most(one, p50s(ASK_FIRST, APPEND), 1.7, "x an append with fdatasync")
    yield _at_most(two, p50s(TWO_STEPS, APPEND), 2.2, "x an append with fdatasync")
    yield _at_most(two, p50s(TWO_STEPS, GOOGLE), 1, "x pam_google_authenticator")
    for words, name, peer, floor in ((several_name, ASK_FIRST, 4, 0.5),
                                     (f"{several_name}, two steps", TWO_STEPS, 3, 0.35)):
        yield _at_least(words, rates(name, GOOGLE), peer, "x pam_google_authenticator's logins/s")
        yield _at_least(words, rates(name, PERMIT), floor, "x pam_permit's logins/s")
        yield _exactly(words, several[name]["denied"], 0, "wrongly denied")
    yield _at_most(several_name, several[ASK_FIRST]["p99"] / several[GOOGLE]["p99"], 0.25,
                   "x pam_google_authenticator's p99", 3)
    yield _at_most("wrong code, durably counted", p50s("sparekey, wrong code", ASK_FIRST), 1.5,
                   "x a right one")


def _commits(found):
    disk = found["this disk"]
    sessions = 32 if 32 in disk else max(disk)
    yield _at_least(f"{sessions} at once", disk[sessions]["logins_a_sync"], 8, "logins a sync")


def _growth(found):
    of = found[ASK_FIRST]
    least, most = min(of), max(of)
    yield _at_most(f"{most:,} accounts", ratio(of[most], of[least], "p50"), 1.15,
                   f"x the p50 of {least:,} accounts")


def _million(found):
    of = f"{found['accounts']:,} accounts"
    worst = found["logins"]["worst"] / found["logins"]["p50"]
    yield _at_most(of, worst, 10, "x p50: the worst login, checkpoints running", 1)
    yield _at_most(of, found["bytes_an_account"], 600, "bytes an account", 0)
    yield _at_most(of, found["resident_kib"] / 1024, 24, "MiB resident", 1)
    yield _at_most(of, found["first_answer_ms"]["p50"], 50, "ms from start to first answer", 1)
    yield _at_most(of, found["first_answer_after_kill_ms"]["p50"], 50,
                   "ms from a start after kill -9 to first answer", 1)


def _recovery(found):
    crowd = found["at_once"]
    of = f"{crowd['recoveries']} recoveries at once"
    yield _at_most("recovery with 2 codes", found["recovery"]["p50"] / found["bare_p50"], 1.3,
                   "x two bare Argon2id hashes")
    yield _at_most(of, crowd["peak_kib"] / 1024, 128, "MiB resident", 1)
    yield _at_most(of, crowd["ordinary_p50"] / crowd["apart_p50"], 3, "x p50 of ordinary logins")
    yield _exactly(of, crowd["recoveries"] - crowd["recovered"], 0, "denied or put off")
    yield _exactly(of, crowd["ordinary_denied"], 0, "ordinary logins wrongly denied")


def _enrolment(found):
    of = found["sheets later"]
    yield _at_least(f"a list of {of['accounts']:,} accounts", of["per_second"], 5000,
                    "enrolled a second, sheets later", 0)


def _one_code(found):
    for name, of in found.items():
        if name.startswith("sparekey"):
            yield _exactly(f"one code, {of['sessions']} sessions: {name[10:]}", of["not_one"], 0,
                           f"of {of['rounds']} rounds without exactly one accept")


def _wrong_codes(found):
    of = found["sparekey"]
    right = of["counted"] == [5] and of["accounts"] == of["rounds"] and of["accepts"] == 0
    yield Target(f"{of['sessions']} wrong codes at once", "exactly the limit (5) counted",
                 f"{of['counted']} on {of['accounts']} of {of['rounds']} accounts", right)


def _kills(found):
    of = f"{found['kills']} x kill -9 under load"
    yield _exactly(of, found["accepted_twice"], 0, "accepted twice, or acknowledged and lost")
    yield _at_most(of, found["first_answer_ms"]["p50"], 50, "ms from restart to first answer", 1)


def _module(found):
    of = found["pam_sparekey.so"]
    yield _at_most("pam_sparekey.so", of["private_kib"], 128, "KiB private memory added", 0)
    yield _at_most("pam_sparekey.so", of["bytes"] / 1024, 400, "KiB", 0)
    others = [name for name in of["libraries"] if not name.startswith(("libc.", "libpam.", "ld-"))]
    yield _exactly("pam_sparekey.so", len(others), 0, "libraries beside libc and libpam")


def _access(found):
    for phase, target in (("account", "POST /v1/access"), ("session", "POST /v1/sessions"),
                          ("end of session", "DELETE /v1/sessions")):
        yield _exactly(f"{phase} call of an ssh login", found["requests"].count(target), 1,
                       "round trip")


_OF = {"logins": _logins, "commits": _commits, "growth": _growth, "million": _million,
       "recovery": _recovery, "enrolment": _enrolment, "one_code": _one_code, "wrong_codes": _wrong_codes, "kills": _kills,
       "module": _module, "access": _access}


def check(results):
    """The promises about what was measured."""
    return [target for name, of in _OF.items() if name in results for target in of(results[name])]
