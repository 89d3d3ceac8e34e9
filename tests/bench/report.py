# SPDX-License-Identifier: Apache-2.0
"""What was measured as text: one table a part, then each promise."""


def _table(heading, columns, rows, left=1):
    """The first `left` columns hold words, the others figures."""
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]

    def line(row):
        return "  ".join(cell.ljust(width) if i < left else cell.rjust(width)
                         for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
    return "\n".join(["", heading, line(columns), *map(line, rows)])


def _logins(found):
    for name, of in found.items():
        base = of["pam_permit"]
        rows = [[system, f"{one['p50']:,.0f}", f"{one['p99']:,.0f}", f"{one['worst']:,.0f}",
                 f"{one['per_second']:,.0f}", f"{one['denied']} of {one['logins']}",
                 f"{one['p50'] / base['p50']:.2f}", f"{one['spread']:.2f}"]
                for system, one in of.items()]
        yield _table(f"{name} (microseconds)",
                     ["", "p50", "p99", "worst", "accepted/s", "denied", "x permit", "p50 max/min"],
                     rows)


def _throughput(found):
    crowds = list(next(iter(found.values())))
    rows = [[system, *(f"{of[crowd]['per_second']:,.0f}" for crowd in crowds),
             str(sum(one["denied"] for one in of.values()))] for system, of in found.items()]
    yield _table("accepted a second, by parallel sessions", ["", *map(str, crowds), "denied"], rows)


def _commits(found):
    for disk, of in found.items():
        rows = [[str(sessions), f"{one['per_second']:,.0f}", f"{one['logins_a_sync']:.1f}",
                 f"{one['p50']:,.0f}", str(one["denied"])] for sessions, one in of.items()]
        yield _table(f"group commit, {disk}",
                     ["sessions", "accepted/s", "logins a sync", "p50 us", "denied"], rows)


def _growth(found):
    rows = [[system, f"{accounts:,}", f"{one['p50']:,.0f}", f"{one['p99']:,.0f}"]
            for system, of in found.items() for accounts, one in of.items()]
    yield _table("over the number of accounts, or of events (microseconds)", ["", "number", "p50", "p99"],
                 rows)


def _tail(one):
    """How a login's time varies, and the worst as a multiple of the usual."""
    times = ", ".join(f"{one[name]:,.0f}" for name in ("p50", "p99", "p999", "worst"))
    return f"{times} us ({one['worst'] / one['p50']:.1f} x)"


def _million(found):
    one, crowd = found["logins"], found["at_once"]
    rows = [["made in", f"{found['fill_seconds']:.0f} s"],
            ["bytes an account", f"{found['bytes_an_account']:.0f}"],
            ["first answer after start", f"{found['first_answer_ms']['p50']:.0f} ms"],
            ["first answer after kill -9", f"{found['first_answer_after_kill_ms']['p50']:.0f} ms"],
            ["login p50, p99, p99.9, worst", _tail(one)],
            ["pam_permit + append, as many", _tail(found["appends"])],
            ["syncs beside those of logins", str(found["syncs_beside_logins"])],
            ["many at once", f"{crowd['per_second']:,.0f}/s, p99 {crowd['p99']:,.0f} us"],
            ["resident at start", f"{found['resident_at_start_kib'] / 1024:.1f} MiB"],
            ["resident after load", f"{found['resident_kib'] / 1024:.1f} MiB, of it private "
                                    f"{found['resident_private_kib'] / 1024:.1f}"]]
    yield _table(f"{found['accounts']:,} accounts", ["", ""], rows, left=2)
    rows = [[name, f"{one['lines']:,}", f"{one['seconds']:.1f}", f"{one['peak_kib'] / 1024:.1f}",
             f"{one['service_peak_kib'] / 1024:.1f}", f"{one['logins']['p50']:,.0f}",
             f"{one['logins']['p99']:,.0f}"] for name, one in found["listing"].items()]
    yield _table(f"all {found['accounts']:,} of them listed, beside logins of one session",
                 ["", "lines", "seconds", "sparekey MiB", "sparekeyd MiB", "login p50 us", "p99"],
                 rows)


def _recovery(found):
    one, crowd = found["recovery"], found["at_once"]
    rows = [["two bare hashes p50", f"{found['bare_p50'] / 1000:.1f} ms"],
            ["recovery p50, p99", f"{one['p50'] / 1000:.1f}, {one['p99'] / 1000:.1f} ms"],
            [f"{crowd['recoveries']:.0f} at once", f"{crowd['recovered']:.0f} recovered in "
                                                  f"{crowd['seconds']:.2f} s"],
            ["peak resident", f"{crowd['peak_kib'] / 1024:.1f} MiB"],
            ["ordinary logins meanwhile p50, p99",
             f"{crowd['ordinary_p50']:,.0f}, {crowd['ordinary_p99']:,.0f} us"],
            ["ordinary logins apart p50", f"{crowd['apart_p50']:,.0f} us"],
            ["ordinary logins denied", str(crowd["ordinary_denied"])]]
    yield _table("recovery with two backup codes", ["", ""], rows, left=2)


def _enrolment(found):
    logins = found["logins meanwhile"]
    rows = [[name, f"{one['accounts']:,}", f"{one['per_second']:,.0f}",
             f"{one['peak_kib'] / 1024:.1f}", f"{one['service_peak_kib'] / 1024:.1f}"]
            for name, one in found.items() if one is not logins]
    yield _table("accounts enrolled from a list",
                 ["", "accounts", "a second", "sparekey MiB", "sparekeyd MiB"], rows)
    yield (f"logins of others meanwhile: p50 {logins['p50']:,.0f}, p99 {logins['p99']:,.0f} us; "
           f"apart p50 {logins['apart_p50']:,.0f}, p99 {logins['apart_p99']:,.0f} us; "
           f"denied {logins['denied']}")


def _one_code(found):
    rows = [[name, str(of["rounds"]), str(of["accepts"]), str(of["not_one"])]
            for name, of in found.items()]
    sessions = next(iter(found.values()))["sessions"]
    yield _table(f"one code from {sessions} sessions at once",
                 ["", "rounds", "accepts", "rounds without exactly one"], rows)


def _wrong_codes(found):
    rows = [[name, str(of["rounds"]), str(of["accepts"]),
             f"counted {of['counted']}" if "counted" in of else
             f"right code accepted afterwards: {of['right_code_accepted_after']}"]
            for name, of in found.items()]
    yield _table("wrong codes at once on fresh accounts", ["", "accounts", "accepts", ""], rows, left=4)


def _kills(found):
    answer, pressed = found["first_answer_ms"], found["first_answer_pressed_ms"]
    rows = [["acknowledged", str(found["acknowledged"])],
            ["accepted twice", str(found["accepted_twice"])],
            ["spent though nobody heard", str(found["spent_unheard"])],
            ["first answer p50, worst", f"{answer['p50']:.1f}, {answer['worst']:.1f} ms"],
            ["the same while all sessions keep calling",
             f"{pressed['p50']:.1f}, {pressed['worst']:.1f} ms"]]
    yield _table(f"{found['kills']} x kill -9 under load (seed {found['seed']})", ["", ""], rows, left=2)


def _module(found):
    rows = [[name, f"{of['bytes'] / 1024:.0f}", f"{of['private_kib']}", " ".join(of["libraries"])]
            for name, of in found.items()]
    yield _table("modules", ["", "KiB", "private KiB added", "libraries"], rows, left=4)


def _access(found):
    rows = [[name, f"{of['p50']:,.0f}", f"{of['p99']:,.0f}"] for name, of in found["phases"].items()]
    yield _table("phases of an ssh login (microseconds)", ["", "p50", "p99"], rows)
    yield "requests: " + ", ".join(found["requests"])


def _pieces(found):
    rows = [[name, f"{nanoseconds:,.0f}"] for name, nanoseconds in found.items()]
    yield _table("small pieces (nanoseconds of one core)", ["", ""], rows)


_OF = {"logins": _logins, "throughput": _throughput, "commits": _commits, "growth": _growth,
       "million": _million, "recovery": _recovery, "enrolment": _enrolment, "one_code": _one_code,
       "wrong_codes": _wrong_codes, "kills": _kills, "module": _module, "access": _access,
       "pieces": _pieces}


def _machine(facts, noise):
    disk = facts["disk"]
    lines = [f"{facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB; "
             f"{facts['system']}, Linux {facts['kernel']}",
             f"disk: {disk['device']} {disk['file_system']} ({disk['options']}), "
             f"write cache: {disk['write_cache'] or 'unknown'}",
             ", ".join(f"{name} {version}" for name, version in facts["versions"].items())]
    for when, one in noise.items():
        lines.append(f"noise {when}: load {one['load']:.2f}, {one['busy_with_others']:.0%} of the "
                     f"processor busy with others, {one['stolen']:.0%} stolen, the same work took "
                     f"{one['same_work_p99']:.2f} x its median (p99)")
    return "\n".join(lines)


def to_text(document):
    """The whole report."""
    parts = [_machine(document["machine"], document["noise"])]
    for name, found in document["results"].items():
        parts += _OF[name](found)
    rows = [[one["of"], one["promise"], one["measured"], "met" if one["met"] else "MISSED"]
            for one in document["targets"]]
    if rows:
        parts.append(_table("promises", ["", "promise", "measured", ""], rows, left=4))
    return "\n".join(parts)
