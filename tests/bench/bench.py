# SPDX-License-Identifier: Apache-2.0
"""Measures logins through sparekey beside its peers; scripts/bench calls this."""

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass

import part_logins
import private_log
from measure import Driver
from systems import Bench, Sparekey


@dataclass
class Size:
    """How much is measured."""
    accounts: int = 100_000
    google_users: int = 1_000
    logins: int = 500         # one at a time, of each system and round
    at_once: int = 8_000      # by all sessions together
    oath_logins: int = 64
    sessions: int = 32
    warm: int = 20


SHORT = Size(accounts=1_000, google_users=200, logins=40, at_once=160, oath_logins=32, sessions=8,
             warm=2)


class Run:
    """What the parts share."""

    def __init__(self, build, folder, size, rounds):
        self.bench = Bench(build, folder)
        self.driver = Driver(build, folder)
        self.size, self.rounds = size, rounds
        self.services = {}

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def sparekey(self, accounts, preload=None):
        """A sparekeyd that serves so many accounts; the same for all parts."""
        if accounts not in self.services:
            self.say(f"making {accounts:,} accounts")
            self.services[accounts] = Sparekey(self.bench, accounts, preload)
            self.services[accounts].start()
        return self.services[accounts]

    def end(self):
        for service in self.services.values():
            service.end()


PARTS = {"logins": part_logins.logins}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--build", required=True, help="build tree whose programs run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--json")
    parser.add_argument("--folder", help="where to work; its disk is the one that is measured")
    options = parser.parse_args()
    size = SHORT if options.short else Size()
    base = options.folder or os.path.join(options.build, "bench")
    os.makedirs(base, exist_ok=True)
    folder = tempfile.mkdtemp(dir=base)
    private_log.enter(folder)
    run = Run(options.build, folder, size, 1 if options.short else options.rounds)
    try:
        results = {name: PARTS[name](run) for name in options.only or PARTS}
    finally:
        run.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
