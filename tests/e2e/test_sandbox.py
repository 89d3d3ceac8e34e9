# SPDX-License-Identifier: Apache-2.0
"""The sandbox itself: stock logins work in it, and it is not the host."""

import os

import e2e


class Sandbox(e2e.SandboxTest):
    """Without sparekey: whatever fails here is not sparekey's fault."""

    def test_a_password_opens_a_session(self):
        self.assert_accepted(self.ssh("ada", [("password", self.passwords["ada"])]))

    def test_a_wrong_password_opens_none(self):
        self.assert_denied(self.ssh("ada", [("password", "wrong")]))

    def test_key_then_password_opens_a_session(self):
        self.assert_accepted(self.ssh("bob", [("password", self.passwords["bob"])], key=self.key))

    def test_sftp_opens_a_session(self):
        self.assert_accepted(self.sftp("bob", [("password", self.passwords["bob"])]))

    def test_no_process_of_the_host_is_seen(self):
        self.assertEqual(os.getppid(), 1)
        with open("/proc/1/cmdline") as first:
            self.assertIn("test_sandbox", first.read())


if __name__ == "__main__":
    e2e.main()
