#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Completes words with the function of packaging/completion in a real bash.

usage: completion_test.py SPAREKEY COMPLETION
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import pexpect

SPAREKEY, COMPLETION = map(os.path.abspath, sys.argv[1:3])
TABLE = json.loads(subprocess.run([SPAREKEY, "help", "--json"], check=True, capture_output=True,
                                  timeout=60).stdout)
# What follows a command line is asked of the function as readline would: "=" is a word of its own.
ASK = r"""
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_sparekey
printf '%s\n' "${COMPREPLY[@]}"
"""


def nouns():
    return {command["noun"] for command in TABLE["commands"]}


def verbs(noun):
    return {command["verb"] for command in TABLE["commands"] if command["noun"] == noun} - {""}


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sparekey-completion-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "some.conf").touch()
        (self.folder / "some.d").mkdir()
        self.list_accounts('{"accounts":[]}')

    def list_accounts(self, answer, before=""):
        """A program that answers "user list" alone, and keeps what it was asked."""
        program = self.folder / "sparekey"
        program.write_text(f"#!/bin/sh\necho \"$@\" >>{self.folder}/asked\n{before}\n"
                           f"cat <<'END'\n{answer}\nEND\n")
        program.chmod(0o755)

    def complete(self, line):
        """What the last word of the line may become; as many words as bash would see."""
        words = [part for word in line.split(" ")
                 for part in (re.findall(r"=|[^=]+", word) or [""])]
        if line.endswith("="):
            words.append("")
        words[0] = str(self.folder / "sparekey")
        done = subprocess.run(["/bin/bash", "--norc", "-c", ASK, "bash", COMPLETION, *words],
                              cwd=self.folder, text=True, capture_output=True, timeout=30,
                              check=False)
        self.assertEqual((done.stderr, done.returncode), ("", 0), line)
        return set(done.stdout.split("\n")) - {""}

    def test_nouns(self):
        self.assertEqual(self.complete("sparekey "), nouns())
        self.assertEqual(self.complete("sparekey us"), {"user"})
        self.assertEqual(self.complete("sparekey --json us"), {"user"})
        self.assertEqual(self.complete("sparekey --config some.conf us"), {"user"})
        self.assertEqual(self.complete("sparekey nothing"), set())

    def test_verbs_of_every_noun(self):
        for noun in nouns() - {"help"}:
            self.assertLessEqual(verbs(noun), self.complete(f"sparekey {noun} "), noun)
        self.assertEqual(self.complete("sparekey user en"), {"enroll"})
        self.assertEqual(self.complete("sparekey user --json en"), {"enroll"})
        self.assertEqual(self.complete("sparekey console "), {"reset"})

    def test_options_of_every_command_and_the_global_ones(self):
        everywhere = {"--" + option["name"] for option in TABLE["options"]}
        self.assertEqual(self.complete("sparekey --"), everywhere)
        for command in TABLE["commands"]:
            name = " ".join(filter(None, (command["noun"], command["verb"])))
            own = {"--" + option["name"] for option in command["options"]}
            self.assertEqual(self.complete(f"sparekey {name} --"), own | everywhere, name)
        self.assertEqual(self.complete("sparekey user enroll ada --ty"), {"--type"})

    def test_every_option_with_few_values(self):
        tried = 0
        for command in TABLE["commands"]:
            for option in command["options"]:
                if "|" not in option["value"]:
                    continue
                tried += 1
                for between in (" ", "="):
                    line = f"sparekey {command['noun']} {command['verb']} --{option['name']}"
                    line = line.replace("  ", " ")
                    self.assertEqual(self.complete(line + between),
                                     set(option["value"].split("|")), line)
        self.assertGreater(tried, 2)
        self.assertEqual(self.complete("sparekey user enroll ada --type=to"), {"totp"})
        self.assertEqual(self.complete("sparekey verify --door w"), {"web"})

    def test_files_and_folders(self):
        for line in ("sparekey --config so", "sparekey --config=so"):
            self.assertEqual(self.complete(line), {"some.conf", "some.d"})
        self.assertEqual(self.complete("sparekey console reset --root so"), {"some.d"})
        self.assertEqual(self.complete("sparekey user enroll --label so"), set())

    def test_settings(self):
        names = {setting["name"] for setting in TABLE["settings"]}
        self.assertEqual(self.complete("sparekey settings get "), names)
        self.assertEqual(self.complete("sparekey settings get x otp"), set())
        self.assertEqual(self.complete("sparekey settings set "), {name + "=" for name in names})
        self.assertEqual(self.complete("sparekey settings set otp.type="), {"totp", "hotp"})
        self.assertEqual(self.complete("sparekey settings set otp.digits=6 lockout.scope=a"),
                         {"account", "admins"})
        for setting in TABLE["settings"]:
            values = self.complete(f"sparekey settings set {setting['name']}=")
            listed = re.fullmatch(r"[a-z0-9_]+(, [a-z0-9_]+)+", setting["range"])
            self.assertEqual(values, set(setting["range"].split(", ")) if listed else set())

    def test_help(self):
        self.assertEqual(self.complete("sparekey help "), nouns())
        self.assertEqual(self.complete("sparekey help user "), verbs("user"))

    def test_accounts_for_root_alone(self):
        self.list_accounts('{"accounts":[{"account":"ada","uid":1},{"account":"bob.x","uid":2}]}')
        expected = {"ada", "bob.x"} if os.geteuid() == 0 else set()
        for line in ("user show ", "ssh disable ", "verify ", "codes new ", "events --account ",
                     "--state-dir /x user enroll --type totp "):
            self.assertEqual(self.complete("sparekey " + line), expected, line)
        asked = self.folder / "asked"
        if expected:
            self.assertIn("--state-dir /x user list --json\n", asked.read_text())
            self.assertEqual(self.complete("sparekey verify b"), {"bob.x"})
            self.assertEqual(self.complete("sparekey verify ada "), set())
        else:
            self.assertFalse(asked.exists())

    def test_no_account_whose_name_a_shell_would_carry_out(self):
        self.list_accounts('{"accounts":[{"account":"$(touch${IFS}bad)","uid":1},'
                           '{"account":"`touch\\tbad`"},{"account":"a;b"}]}')
        self.assertEqual(self.complete("sparekey verify "), set())
        self.assertFalse((self.folder / "bad").exists())

    def test_waits_for_no_slow_service(self):
        self.list_accounts('{"accounts":[{"account":"ada"}]}', before="exec sleep 20")
        self.assertEqual(self.complete("sparekey verify "), set())

    def test_in_an_interactive_shell(self):
        shell = pexpect.spawn("/bin/bash", ["--norc", "--noprofile", "-i"], encoding="utf-8",
                              timeout=20, cwd=self.folder, dimensions=(24, 120),
                              env={"PATH": f"{self.folder}:/usr/bin:/bin", "PS1": "> ",
                                   "TERM": "dumb", "HOME": str(self.folder)})
        self.addCleanup(shell.close, True)
        shell.sendline("bind 'set enable-bracketed-paste off'; source "
                       + shlex.quote(COMPLETION) + "; echo READ''Y")
        shell.expect("READY")
        for typed, becomes in (("sparekey us\ten\t--ty\tto\t", "sparekey user enroll --type totp"),
                               ("sparekey settings set ssh.k\tacc\t",
                                "sparekey settings set ssh.keys=accept")):
            shell.send(typed)
            shell.expect_exact(becomes)
            shell.sendcontrol("u")


class TheFile(unittest.TestCase):
    def test_is_sound_bash(self):
        checked = subprocess.run(["/bin/bash", "-n", COMPLETION], capture_output=True, text=True,
                                 timeout=30, check=False)
        self.assertEqual((checked.stdout, checked.stderr), ("", ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
