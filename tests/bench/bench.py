# SPDX-License-Identifier: Apache-2.0
"""Measures logins through sparekey beside its peers; scripts/bench calls this."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass

import machine
import part_exactness
import part_logins
import part_module
import part_pieces
import part_recovery
import part_scale
import part_throughput
import part_tools
import private_machine
import report
import targets
from measure import Driver
from systems import ROOT, BareService, Bench, Sparekey


@dataclass
class Size:
    """How much is measured. Of logins where nothing else is said."""
    accounts: int = 100_000
    small: int = 10_000        # accounts where their number is not the question
    scales: tuple = (100, 10_000, 100_000, 1_000_000)
    event_scales: tuple = (10_000, 100_000, 1_000_000)
    oath_scales: tuple = (100, 1_000, 10_000, 100_000)
    google_users: int = 1_000
    users: int = 1_024         # of the system; a multiple of the sessions, see login_plan.h
    google_scales: tuple = (100, 1_000, 10_000)
    logins: int = 500          # one at a time, of each system and round, in several turns
    at_once: int = 8_000       # by all sessions together; enough for the log to be moved
    oath_logins: int = 64
    sessions: int = 32
    warm: int = 20             # each session's first, which do not count
    turns: int = 3             # of all systems, in a round
    crowds: tuple = (1, 2, 4, 8, 16, 32, 64)
    sweep: int = 2_000         # at each size of a crowd
    worst: int = 20_000        # of the large store, one at a time
    recoveries: int = 20
    recovery_crowd: int = 64
    meanwhile: int = 6_000     # ordinary ones beside many recoveries
    head_start: float = 0.5    # seconds of them before
    races: int = 1_000         # rounds
    set_races: int = 100
    wrong_races: int = 100
    kills: int = 100
    kill_logins: int = 2_000   # under way when the service is killed
    listed: int = 100_000      # accounts enrolled from a list
    listed_beside: int = 30_000
    listed_sheets: int = 200


SHORT = Size(accounts=1_000, small=800, scales=(100, 2_000), event_scales=(2_000,),
             oath_scales=(100,), google_users=200, users=256, google_scales=(100,), logins=40,
             at_once=160, oath_logins=16, sessions=8, warm=2, turns=1, crowds=(1, 4), sweep=60,
             worst=200, recoveries=2, recovery_crowd=4, meanwhile=400, head_start=0.1, races=10,
             set_races=4, wrong_races=5, kills=3, kill_logins=200, listed=300, listed_beside=100,
             listed_sheets=3)


def size_of(options):
    if options.short:
        return SHORT
    return Size(set_races=1_000, kills=1_000) if options.long else Size()


class Run:
    """What the parts share."""

    def __init__(self, build, folder, size, rounds, seed):
        self.bench = Bench(build, folder)
        self.driver = Driver(build, folder)
        self.size, self.rounds, self.seed = size, rounds, seed
        self.services = {}
        self.bare_service = None

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def sparekey(self, accounts, preload=None, label="plain", names="any", events=0):
        """A sparekeyd that serves so many accounts; of one label, the same for all parts."""
        name = f"{label}-{names}-{accounts}-{events}"
        if name not in self.services:
            self.say(f"making {accounts:,} accounts" + (f", {events:,} events" if events else ""))
            self.services[name] = Sparekey(self.bench, accounts, name, preload, names, events)
            self.services[name].start()
        return self.services[name]

    def turns(self, todo):
        """(number, one of todo) as the systems take turns: each second time backwards, so that what
        the machine does meanwhile falls on all alike."""
        for number in range(self.rounds * self.size.turns):
            for one in todo[::-1] if number % 2 else todo:
                yield number + 1, one

    def bare(self):
        """The one bare service of the run."""
        if self.bare_service is None:
            self.bare_service = BareService(self.bench)
        return self.bare_service

    def drop(self, service):
        """Ends it and removes its store."""
        self.services = {name: one for name, one in self.services.items() if one is not service}
        service.end()
        shutil.rmtree(service.folder)

    def end(self):
        for service in [*self.services.values(), self.bare_service]:
            if service is not None:
                service.end()


PARTS = {
    "logins": part_logins.logins,
    "throughput": part_throughput.throughput,
    "commits": part_throughput.commits,
    "growth": part_scale.growth,
    "million": part_scale.million,
    "recovery": part_recovery.recovery,
    "enrolment": part_tools.enrolment,
    "one_code": part_exactness.one_code,
    "wrong_codes": part_exactness.wrong_codes,
    "kills": part_exactness.kills,
    "module": part_module.module,
    "access": part_module.access,
    "pieces": part_pieces.pieces,  # where they are built
}


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--build", required=True, help="build tree whose programs run")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--json")
    parser.add_argument("--plots", help="folder for SVGs")
    parser.add_argument("--publish", action="store_true", help="report, JSON and SVGs into docs/")
    parser.add_argument("--folder", help="where to work; its disk is the one that is measured")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    return parser.parse_args()


def measure(options, folder):
    run = Run(options.build, folder, size_of(options),
              1 if options.short else options.rounds, options.seed)
    results = {}
    try:
        for name in options.only or [name for name in PARTS if name != "pieces" or
                                     os.path.exists(f"{options.build}/tests/bench/bench_pieces")]:
            begin = time.monotonic()
            results[name] = PARTS[name](run)
            run.say(f"{name}: {time.monotonic() - begin:.0f} s")
    finally:
        run.end()
    return results


def measure_all(options, folder):
    """The document that --json writes."""
    noise = {"before": machine.noise()}
    results = measure(options, folder)
    noise["after"] = machine.noise()
    return {"machine": machine.describe(options.build, folder), "noise": noise,
            "rounds": options.rounds, "short": options.short, "results": results,
            "targets": [asdict(target) for target in targets.check(results)]}


def publish(text, drawings):
    """Puts report and drawings into docs/performance.md."""
    path = f"{ROOT}/docs/performance.md"
    with open(path) as file:
        before, rest = file.read().split("<!-- run -->\n")
        after = rest.split("<!-- end of run -->\n")[1]
    with open(path, "w") as file:
        images = "".join(f"![{os.path.basename(path)[:-4]}]({os.path.basename(path)})\n"
                         for path in drawings)
        file.write(f"{before}<!-- run -->\n{images}\n```\n{text}\n```\n<!-- end of run -->\n{after}")


def tell(options, document):
    text = report.to_text(document)
    if options.publish:
        options.json, options.plots = f"{ROOT}/docs/performance.json", f"{ROOT}/docs"
    if options.json:
        with open(options.json, "w") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
    if options.plots:
        import plots  # what it needs is slow to load
        drawings = plots.draw(document["results"], options.plots)
        if options.publish:
            publish(text, drawings)
    print(text)


def main():
    options = parse_arguments()
    options.build = os.path.abspath(options.build)
    base = os.path.abspath(options.folder or os.path.join(options.build, "bench"))
    os.makedirs(base, exist_ok=True)
    folder = tempfile.mkdtemp(dir=base)
    try:
        private_machine.enter(folder, size_of(options).users)
        document = measure_all(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tell(options, document)


if __name__ == "__main__":
    main()
