# SPDX-License-Identifier: Apache-2.0
"""The PAM module itself: size, libraries, memory; what account and session phases of an ssh login
take and how often they ask sparekeyd."""

import os
import re
import subprocess

from measure import median, quantile
from systems import PeerGoogle, PeerOath

REMOTE_HOST = "192.0.2.1"
PHASES = {"a": "pam_authenticate", "c": "pam_acct_mgmt", "o": "pam_open_session",
          "s": "pam_close_session"}


def _needed(path):
    """Libraries that the module names."""
    shown = subprocess.run(["readelf", "-dW", path], check=True, capture_output=True, text=True)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", shown.stdout)


def module(run):
    found = {}
    sparekey = run.sparekey(run.size.accounts)
    oath, google = PeerOath(run.bench, 1000), PeerGoogle(run.bench, 1000)
    for name, system, path in (
            ("pam_sparekey.so", sparekey, run.bench.module),
            ("pam_oath.so", oath, run.bench.peer_module("libpam-oath")),
            ("pam_google_authenticator.so", google,
             run.bench.peer_module("libpam-google-authenticator"))):
        added = []
        for _ in range(5):
            kib, code = run.driver.memory(**system.options(1))
            assert code == 0, f"{name}: PAM said {code}"
            added.append(kib)
        found[name] = {"bytes": os.path.getsize(path), "libraries": _needed(path),
                       "private_kib": median(added)}
    return found


def _requests(run, sparekey):
    """Requests to sparekeyd of one login with all its phases, in their order."""
    trace = f"{run.bench.folder}/trace"
    options = {"remote_host": REMOTE_HOST, **sparekey.options(1, kind="hotp", service="phases")}
    words = [f"{name}={int(value) if isinstance(value, bool) else value}"
             for name, value in options.items()]
    subprocess.run(["strace", "-f", "-s", "64", "-e", "trace=network,write,writev", "-o", trace,
                    run.driver.program, "mode=access", f"out={run.bench.folder}/out", *words],
                   check=True)
    with open(trace) as file:
        return re.findall(r'"((?:POST|DELETE|GET) /v1/[a-z]+)', file.read())


def access(run):
    """Account and session phases of ssh logins."""
    sparekey = run.sparekey(run.size.accounts)
    times = {}
    denied = 0
    for _ in range(run.rounds):
        for call in run.driver.calls(mode="access", remote_host=REMOTE_HOST, count=run.size.logins, warm=5,
                                     **sparekey.options(run.size.logins + 5, kind="hotp",
                                                        service="phases")):
            times.setdefault(PHASES[call.kind], []).append(call.microseconds)
            denied += not call.accepted
    found = {name: {"p50": median(of), "p99": quantile(of, 0.99)} for name, of in times.items()}
    return {"phases": found, "denied": denied, "requests": _requests(run, sparekey)}
