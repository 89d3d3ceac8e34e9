# SPDX-License-Identifier: Apache-2.0
"""Prints gcovr's JSON as a table of our folders, and fails where a promise is missed.

Promised: every branch of the codes themselves, the backup codes and the lockouts; 90 % of the lines
of everything else, folder by folder.
"""

import argparse
import collections
import json
import os
import sys

CODES = {"core/otp.cc", "core/base32.cc", "core/otpauth.cc"}
PARTS = ("core (codes)", "backupcodes", "lockout", "core", "service", "pam", "cli")
EVERY_BRANCH = {"core (codes)", "backupcodes", "lockout"}
LEAST_LINES = 90.0


class Counts:
    def __init__(self):
        self.lines = self.lines_run = self.branches = self.branches_run = 0

    def add(self, file):
        for line in file["lines"]:
            if line.get("gcovr/noncode"):
                continue
            self.lines += 1
            self.lines_run += line["count"] > 0
            self.branches += len(line["branches"])
            self.branches_run += sum(branch["count"] > 0 for branch in line["branches"])

    def line_percent(self):
        return 100.0 * self.lines_run / self.lines if self.lines else 100.0

    def branch_percent(self):
        return 100.0 * self.branches_run / self.branches if self.branches else 100.0


def part_of(name):
    if name in CODES or name.replace(".h", ".cc") in CODES:
        return "core (codes)"
    return name.split("/", maxsplit=1)[0]


def is_missed(part, counts):
    if part in EVERY_BRANCH:
        return counts.branches_run < counts.branches or counts.lines_run < counts.lines
    return counts.line_percent() < LEAST_LINES


def print_table(parts):
    print(f"{'':14} {'lines':>7} {'run':>9} {'branches':>10} {'run':>9}   promised")
    for part, counts in parts.items():
        promise = "every line and branch" if part in EVERY_BRANCH else "90 % of lines"
        print(f"{part:14} {counts.lines:7} {counts.line_percent():8.1f}% {counts.branches:10} "
              f"{counts.branch_percent():8.1f}%   {promise}"
              f"{' - MISSED' if is_missed(part, counts) else ''}")


def print_uncovered(files):
    for file in files:
        counts = Counts()
        counts.add(file)
        if part_of(file["file"]) not in EVERY_BRANCH and counts.line_percent() >= LEAST_LINES:
            continue
        gaps = []
        for line in file["lines"]:
            if line.get("gcovr/noncode"):
                continue
            missed = sum(branch["count"] == 0 for branch in line["branches"])
            if line["count"] == 0:
                gaps.append(str(line["line_number"]))
            elif missed and part_of(file["file"]) in EVERY_BRANCH:
                gaps.append(f"{line['line_number']} ({missed} of {len(line['branches'])} branches)")
        if gaps:
            print(f"{file['file']} {counts.line_percent():.1f}%: {', '.join(gaps)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--uncovered", action="store_true", help="name what did not run")
    parser.add_argument("report", help="gcovr's JSON")
    options = parser.parse_args()
    with open(options.report, encoding="utf-8") as report:
        files = [file for file in json.load(report)["files"]
                 if os.path.dirname(file["file"]).split("/")[0] in set(PARTS)]
    parts = collections.OrderedDict((part, Counts()) for part in PARTS)
    for file in files:
        parts[part_of(file["file"])].add(file)
    empty = [part for part, counts in parts.items() if counts.lines == 0]
    if empty:
        sys.exit(f"nothing was counted of {', '.join(empty)}")
    if options.uncovered:
        print_uncovered(files)
    print_table(parts)
    return 1 if any(is_missed(part, counts) for part, counts in parts.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
