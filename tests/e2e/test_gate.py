#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A closed SSH gate denies every SSH login in its scope, whatever it brings and asks for, until an
administrator opens it."""

import glob
import os
import subprocess
import time

import e2e
import sandbox

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or [None])[0]
YEAR = 365 * 24 * 3600


class Gate(e2e.SparekeyTest):

    methods = "publickey keyboard-interactive publickey,keyboard-interactive"

    def by_key(self, program, user, *rest):
        """A stock client with a key alone: whether it got in. A tunnel stays until it is ended."""
        command = e2e.client(program, user, self.key, ["BatchMode=yes"])
        target = command.pop()
        options = []
        if program == "scp":
            options, target = ["/etc/hostname"], f"{target}:copied"
            command[command.index("-p")] = "-P"
        elif rest and rest[0] == "-N":
            options, rest = ["-N", "-o", "ExitOnForwardFailure=yes", "-L", "2299:127.0.0.1:9"], ()
            options += ["-o", "PermitLocalCommand=yes", "-o", "LocalCommand=echo through"]
            child = subprocess.Popen(command + options + [target], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            through = child.stdout.readline().strip() == "through"
            child.terminate()
            child.wait(10)
            child.stdout.close()
            return through
        done = subprocess.run(command + options + [target, *rest], input="bye\n", text=True,
                              capture_output=True, timeout=20, check=False)
        return done.returncode == 0

    def ways_by_key(self, user):
        """Which kinds of login a key alone opens."""
        return [way for way, opened in (("command", self.by_key("ssh", user, "true")),
                                        ("sftp", self.by_key("sftp", user)),
                                        ("scp", self.by_key("scp", user)),
                                        ("tunnel", self.by_key("ssh", user, "-N"))) if opened]

    def assert_closed_for(self, name):
        before = self.counters(name)
        self.assertEqual(self.ways_by_key(name), [])
        told = self.login(name)
        self.assert_denied(told)
        self.assertIn(f"SSH is disabled since {time.strftime('%Y')}", told.screen)
        self.assertNotIn("One-time code", told.screen)
        untold = self.ssh(name, [("password", "wrong")])
        self.assertNotIn("disabled", untold.screen)
        password = self.password(name)
        self.assert_denied(self.sftp(name, [password, ("One-time code", "123456")]))
        self.assert_denied(self.recover(name, self.sheets[name][:2]))
        with_key = self.ssh(name, [password, ("One-time code", "123456")], key=self.key)
        self.assert_denied(with_key)
        self.assertEqual(self.counters(name), before)

    def setUp(self):
        super().setUp()
        self.sparekey("settings", "set", "ssh.keys=accept")

    def test_an_account_gate_shuts_every_kind_of_login_of_that_account_alone(self):
        self.assertEqual(self.ways_by_key("bob"), ["command", "sftp", "scp", "tunnel"])
        self.sparekey("ssh", "disable", "bob")
        self.assert_closed_for("bob")
        self.assertEqual(self.ways_by_key("ada"), ["command", "sftp", "scp", "tunnel"])
        self.sparekey("ssh", "enable", "bob")
        self.assertEqual(self.ways_by_key("bob"), ["command", "sftp", "scp", "tunnel"])

    def test_the_systems_gate_shuts_everybody_out_through_restarts_and_clock_changes(self):
        self.sparekey("ssh", "disable")
        for name in ("ada", "bob"):
            self.assert_closed_for(name)
        for offset in (-YEAR, 100 * YEAR):
            self.service.stop()
            self.service = sandbox.start_sparekeyd(environment={
                "LD_PRELOAD": LIBRARY, "FAKETIME": f"{offset:+d}",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
            self.assertEqual(self.sparekey("ssh", "status")["ssh_gate"], "closed")
            self.assertEqual(self.ways_by_key("bob"), [])
        self.restart_service()
        self.assertEqual(self.ways_by_key("bob"), [])
        self.sparekey("ssh", "enable")
        self.assert_accepted(self.login("bob"))
        kinds = [event["kind"] for event in self.sparekey("events")["events"]]
        self.assertIn("gate_closed", kinds)
        self.assertIn("gate_opened", kinds)


if __name__ == "__main__":
    assert LIBRARY and os.path.exists(LIBRARY), "libfaketime is missing"
    e2e.main()
