# SPDX-License-Identifier: Apache-2.0
"""The console reset while something is broken: it works, or says exactly what is wrong."""

import json
import os
import resource
import sqlite3
import subprocess

import e2e
import full_disk
import sandbox
import terminal

RESET = ["sparekey", "console", "reset"]
STATE = full_disk.STATE
DATABASE = f"{STATE}/sparekey.db"
KEY = "/etc/sparekey/master.key"
CURSOR = f"{STATE}/notify.cursor"
TOLD = "/run/sandbox/told"
UNREACHABLE = 5


class ResetInFaults(e2e.SparekeyTest):
    methods = "keyboard-interactive"

    def super_lock(self, name="ada"):
        self.sparekey("settings", "set", "backup_codes.max_attempts=1")
        self.sparekey("recover", name, text="\n".join(self.wrong_codes()) + "\n", status=1)

    def reset(self, *what, answers=(), asks_password=True):
        """Types a reset at a virtual terminal. The exit status and the screen."""
        password = sandbox.new_password()
        place = terminal.VirtualTerminal(RESET + list(what))
        passwords = [("New password:", password), ("Retype", password)] if asks_password else []
        for prompt, text in [*answers, *passwords]:
            place.answer(prompt, text)
        status = place.end()
        if asks_password:
            self.passwords["ada"] = password
        return status, place.screen()

    def assert_reset(self, status_and_screen):
        status, screen = status_and_screen
        self.assertEqual(status, 0, screen)

    def assert_says(self, status_and_screen, *texts):
        """It could not, and says why."""
        status, screen = status_and_screen
        self.assertEqual(status, UNREACHABLE, screen)
        for text in texts:  # lines of the screen are cut anywhere
            self.assertIn("".join(text.split()), "".join(screen.split()))

    def assert_way_in(self):
        """After the reset: ada enrols, and everybody logs in."""
        self.assertEqual(self.sparekey("status")["lockout"], "none")
        ada = self.account("ada")
        self.assertEqual((ada["enrolment"], ada["must_enrol"], ada["otp_failures"]),
                         ("none", True, 0))
        self.sparekey("ssh", "enable")
        self.enrol("ada")
        self.assert_accepted(self.login("ada"))
        self.assert_accepted(self.login("bob"))

    def damage(self, sql):
        self.service.stop()
        database = sqlite3.connect(DATABASE)
        database.execute(sql)
        database.commit()
        database.close()
        self.service = sandbox.start_sparekeyd()

    @staticmethod
    def told():
        """Id and account of the resets that a hook was told of."""
        if not os.path.exists(TOLD):
            return []
        with open(TOLD) as file:
            events = [json.loads(line) for line in file if line.endswith("\n")]
        return [(one["id"], one["account"]) for one in events if one["kind"] == "console_reset"]

    # --- works

    def test_the_disk_is_full(self):
        full_disk.move_state(self)
        self.super_lock()
        full_disk.fill()
        status, screen = self.reset("--system")
        self.assertEqual(status, 0, screen)
        full_disk.empty()
        self.assert_way_in()

    def test_the_disk_is_full_and_the_service_gone(self):
        full_disk.move_state(self)
        self.super_lock()
        self.service.stop(e2e.signal.SIGKILL)
        full_disk.fill()
        self.assert_reset(self.reset("--system"))
        full_disk.empty()
        self.service = sandbox.start_sparekeyd()
        self.assert_way_in()

    def test_the_record_is_damaged(self):
        self.damage("UPDATE account SET record = zeroblob(200) WHERE name = 'ada'")
        self.assert_denied(self.login("ada"))
        listed = {item["account"]: item for item in self.sparekey("user", "list")["accounts"]}
        self.assertTrue(listed["ada"]["damaged"])
        self.assertEqual(listed["bob"]["enrolment"], "active")
        self.assert_reset(self.reset("ada"))
        self.assert_way_in()

    def test_the_record_is_damaged_and_the_service_gone(self):
        self.super_lock()
        self.damage("UPDATE account SET flags = flags + 64 WHERE name = 'ada'")
        self.service.stop(e2e.signal.SIGKILL)
        self.assert_reset(self.reset("--system"))
        self.service = sandbox.start_sparekeyd()
        self.assert_way_in()

    def test_the_service_has_no_descriptors_left(self):
        self.super_lock()
        hard = resource.prlimit(self.service.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.service.pid, resource.RLIMIT_NOFILE, (3, hard))
        self.assert_reset(self.reset("--system", answers=[("YES", "YES")]))
        self.assertFalse(self.service.is_running())
        self.service = sandbox.start_sparekeyd()
        self.assert_way_in()

    def test_the_service_has_no_memory_left(self):
        self.super_lock()
        with open(f"/proc/{self.service.pid}/statm") as statm:
            size = int(statm.read().split()[0]) * resource.getpagesize()
        hard = resource.prlimit(self.service.pid, resource.RLIMIT_AS)[1]
        resource.prlimit(self.service.pid, resource.RLIMIT_AS, (size // 2, hard))
        self.assert_reset(self.reset("--system"))
        self.restart_service()
        self.assert_way_in()

    # --- cannot work, and says why

    def test_the_disk_is_read_only(self):
        full_disk.move_state(self)
        self.super_lock()
        self.service.stop()
        subprocess.run(["mount", "-o", "remount,ro", STATE], check=True)
        self.assert_says(self.reset("--system", asks_password=False), STATE,
                         "Read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", STATE], check=True)
        self.assert_reset(self.reset("--system"))
        self.service = sandbox.start_sparekeyd()
        self.assert_way_in()

    def assert_stuck_until(self, mend, *texts):
        """Without the service, which would not start either."""
        with self.assertRaises(sandbox.SandboxError):
            sandbox.start_sparekeyd()
        self.assert_says(self.reset("--system", asks_password=False), *texts)
        mend()
        self.assert_reset(self.reset("--system"))
        self.service = sandbox.start_sparekeyd()
        self.assert_way_in()

    def test_the_key_is_missing(self):
        self.super_lock()
        self.service.stop()
        os.rename(KEY, KEY + ".away")
        self.assert_stuck_until(lambda: os.rename(KEY + ".away", KEY), KEY, "backup")

    def forget_most(self):
        """The service's word up to which event the hooks were told: of a store with just one."""
        with open(CURSOR) as file:
            store = file.read().split()[1]
        sandbox.write(CURSOR, f"1 {store}\n", 0o600)

    def test_the_key_is_lost_for_good(self):
        self.super_lock()
        self.service.stop()
        os.unlink(KEY)
        self.forget_most()
        sandbox.write("/etc/sparekey/notify.d/scribe", f"#!/bin/sh\ncat >>{TOLD}\n", 0o755)
        self.assert_says(self.reset("--system", asks_password=False), "--new-key")
        self.assert_reset(self.reset("--new-key", answers=[("YES", "YES")], asks_password=False))
        self.service = sandbox.start_sparekeyd()
        self.assertEqual(self.sparekey("status")["ssh_gate"], "closed")
        sandbox.wait_until(lambda: self.told() == [(1, None), (2, "ada"), (3, "bob")],
                           "the hook is told of the new store from its first event on")
        self.sparekey("settings", "set", f"otp.window={e2e.WINDOW}")
        self.sparekey("ssh", "enable")
        for name in ("ada", "bob"):  # bob had nothing to do with it: he does not get in with less
            self.assertEqual(self.account(name)["must_enrol"], True)
            self.assert_denied(self.ssh(name, [self.password(name)]))
            self.enrol(name)
            self.assert_accepted(self.login(name))

    def test_the_key_is_lost_and_the_disk_is_full(self):
        full_disk.move_state(self)
        self.service.stop()
        os.unlink(KEY)
        full_disk.fill()
        status, screen = self.reset("--new-key", answers=[("YES", "YES")], asks_password=False)
        self.assertEqual(status, 0, screen)
        self.assertIn("required_for=everyone", "".join(screen.split()))
        full_disk.empty()
        self.service = sandbox.start_sparekeyd()
        self.assertEqual(self.sparekey("status")["ssh_gate"], "closed")
        self.assertEqual(self.sparekey("settings", "get", "required_for")["value"], "everyone")
        for name in ("ada", "bob"):
            self.assertEqual(self.account(name)["must_enrol"], True)

    def test_a_new_key_is_refused_while_the_service_runs(self):
        status, screen = self.reset("--new-key", answers=[("YES", "YES")], asks_password=False)
        self.assertNotEqual(status, 0)
        self.assertIn("stopit", "".join(screen.split()))
        self.assert_accepted(self.login("ada"))

    def test_the_key_is_another_one(self):
        self.super_lock()
        self.service.stop()
        os.rename(KEY, KEY + ".right")
        with open(KEY, "wb") as file:
            file.write(os.urandom(os.path.getsize(KEY + ".right")))
        os.chmod(KEY, 0o600)
        self.assert_stuck_until(lambda: os.rename(KEY + ".right", KEY), "master key does not fit")

    def test_the_key_is_too_short(self):
        self.super_lock()
        self.service.stop()
        os.rename(KEY, KEY + ".right")
        sandbox.write(KEY, "short", 0o600)
        self.assert_stuck_until(lambda: os.rename(KEY + ".right", KEY), KEY)

    def test_others_may_read_the_key(self):
        self.super_lock()
        self.service.stop()
        os.chmod(KEY, 0o644)
        self.assert_stuck_until(lambda: os.chmod(KEY, 0o600), f"chmod 0600 {KEY}")

    def test_the_store_is_missing(self):
        self.super_lock()
        self.service.stop()
        os.rename(DATABASE, DATABASE + ".away")
        self.assert_stuck_until(lambda: os.rename(DATABASE + ".away", DATABASE), DATABASE, "backup")

    def test_the_database_is_no_database(self):
        self.super_lock()
        self.service.stop()
        os.rename(DATABASE, DATABASE + ".right")
        with open(DATABASE, "wb") as file:
            file.write(bytes(65536))
        os.chmod(DATABASE, 0o600)
        self.assert_stuck_until(lambda: os.rename(DATABASE + ".right", DATABASE), DATABASE)


if __name__ == "__main__":
    e2e.main()
