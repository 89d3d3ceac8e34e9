# SPDX-License-Identifier: Apache-2.0
"""scripts/bench works: every part measures, nobody is wrongly denied, and what must be exact is. How
fast it is, a busy machine with a debug build cannot say, and this does not ask."""

import json
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARTS = {"logins", "throughput", "commits", "growth", "million", "recovery", "enrolment", "one_code",
         "wrong_codes", "kills", "module", "access"}
# Promises that hold on any machine.
EXACT = re.compile("wrongly denied|without exactly one|the limit|accepted twice|round trip|libraries|"
                   "bytes an account|put off")


class Short(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        path = f"{cls.folder.name}/found.json"
        # From a folder of its own, so that every path is relative, as a user may type it.
        build = os.path.relpath(os.environ["SPAREKEY_BUILD"], cls.folder.name)
        made = subprocess.run(
            [f"{ROOT}/scripts/bench", "--short", "--json", "found.json", "--folder", ".",
             "--plots", "."], cwd=cls.folder.name, env={**os.environ, "SPAREKEY_BUILD": build},
            capture_output=True, text=True, timeout=500)
        print(made.stdout, made.stderr)
        assert made.returncode == 0, f"exit status {made.returncode}"
        cls.shown = made.stdout
        with open(path) as file:
            cls.found = json.load(file)

    def test_measures_every_part(self):
        self.assertEqual(set(self.found["results"]) - {"pieces"}, PARTS)  # those are seldom built
        for name in ("processor", "kernel", "disk", "versions"):
            self.assertTrue(self.found["machine"][name], name)

    def test_denies_nobody_wrongly(self):
        results = self.found["results"]
        runs = [of[name] for of in results["logins"].values() for name in of
                if name.startswith("sparekey")]
        runs += [one for name in ("throughput", "growth") for system, of in results[name].items()
                 if system.startswith("sparekey") for one in of.values()]
        runs += [one for of in results["commits"].values() for one in of.values()]
        runs += [results["million"]["logins"], results["million"]["at_once"],
                 results["recovery"]["recovery"], results["access"],
                 results["enrolment"]["logins meanwhile"]]
        runs += [one["logins"] for one in results["million"]["listing"].values()]
        self.assertGreater(len(runs), 20)
        self.assertEqual([one["denied"] for one in runs], [0] * len(runs))

    def test_is_exact(self):
        exact = [one for one in self.found["targets"] if EXACT.search(one["promise"])]
        self.assertGreater(len(exact), 10)
        self.assertEqual([one for one in exact if not one["met"]], [])

    def test_shows_each_promise(self):
        for one in self.found["targets"]:
            self.assertIn(one["promise"], self.shown)

    def test_draws(self):
        for name in ("accounts", "sessions", "slow-disk"):
            with open(f"{self.folder.name}/performance-{name}.svg") as file:
                drawn = file.read()
            self.assertIn("</svg>", drawn)
            self.assertIn("sparekey" if name != "slow-disk" else "5 ms more", drawn)


if __name__ == "__main__":
    unittest.main()
