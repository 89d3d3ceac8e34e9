# SPDX-License-Identifier: Apache-2.0
"""The service is gone, stopped, hanging, or somebody else: every login is denied, and soon."""

import os
import pwd
import shutil
import signal
import socket
import threading
import time

import e2e
import sandbox

PAM_SOCKET = "/run/sparekey/pam.sock"
SECONDS = 4  # from a person's last key to the answer
ACCEPT = (b'{"login":"1","say":[],"ask":[],"verdict":"accept","reason":"accepted"}')


class Faults(e2e.SparekeyTest):
    methods = "keyboard-interactive publickey,keyboard-interactive"

    def assert_all_denied(self):
        """Every way in that worked a moment ago."""
        self.assert_denied(self.login("ada"), SECONDS)
        self.assert_denied(self.recover("bob", self.sheets["bob"][:2]), SECONDS)
        self.assert_denied(self.login("bob", key=self.key), SECONDS)

    def tearDown(self):
        """After the fault is over, everything works again, with nobody's help."""
        self.assert_accepted(self.login("ada"))

    def test_the_service_ended(self):
        self.assertEqual(self.service.stop(), 0)
        self.assert_all_denied()
        self.service = sandbox.start_sparekeyd()

    def test_the_service_was_killed(self):
        self.service.stop(signal.SIGKILL)
        self.assert_all_denied()
        self.service = sandbox.start_sparekeyd()

    def test_the_service_is_stopped(self):
        self.service.send(signal.SIGSTOP)
        self.assert_all_denied()
        self.service.send(signal.SIGCONT)
        sandbox.wait_until(sandbox.is_healthy, "sparekeyd answers again")

    def test_the_service_stops_between_question_and_answer(self):
        def stop_then_answer():
            self.service.send(signal.SIGSTOP)
            return self.phones["ada"].code()

        login = self.ssh("ada", [self.password("ada"), ("One-time code", stop_then_answer)])
        self.assert_denied(login, SECONDS)
        self.service.send(signal.SIGCONT)
        sandbox.wait_until(sandbox.is_healthy, "sparekeyd answers again")
        self.assertEqual(self.counters("ada")["otp_failures"], 0)

    def test_the_service_is_killed_between_question_and_answer(self):
        def kill_then_answer():
            self.service.stop(signal.SIGKILL)
            return self.phones["ada"].code()

        login = self.ssh("ada", [self.password("ada"), ("One-time code", kill_then_answer)])
        self.assert_denied(login, SECONDS)
        self.service = sandbox.start_sparekeyd()

    def replace_socket(self, user):
        """Puts a listener of `user` in the service's place that accepts whatever is asked."""
        os.rename(PAM_SOCKET, PAM_SOCKET + ".real")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(PAM_SOCKET)
        os.chown(PAM_SOCKET, pwd.getpwnam(user).pw_uid, 0)
        os.chmod(PAM_SOCKET, 0o666)
        child = os.fork()
        if child == 0:
            entry = pwd.getpwnam(user)
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            listener.listen()  # the peer that a client sees is who called this
            while True:
                connection = listener.accept()[0]
                threading.Thread(target=accept_everything, args=(connection,), daemon=True).start()
        listener.close()
        self.addCleanup(os.waitpid, child, 0)
        self.addCleanup(os.kill, child, signal.SIGKILL)
        time.sleep(0.05)

    def restore_socket(self):
        os.rename(PAM_SOCKET + ".real", PAM_SOCKET)

    def test_the_socket_is_somebody_elses(self):
        self.replace_socket("bob")
        self.assert_all_denied()
        self.restore_socket()

    def test_the_socket_is_gone(self):
        os.rename(PAM_SOCKET, PAM_SOCKET + ".real")
        self.assert_all_denied()
        self.restore_socket()

    def test_the_socket_is_a_file(self):
        os.rename(PAM_SOCKET, PAM_SOCKET + ".real")
        sandbox.write(PAM_SOCKET, "")
        self.assert_all_denied()
        self.restore_socket()

    def test_a_key_alone_is_denied_while_nobody_can_decide(self):
        self.sparekey("settings", "set", "ssh.keys=accept")
        self.restart_sshd("publickey")
        self.assert_accepted(self.ssh("bob", [], key=self.key))
        self.service.send(signal.SIGSTOP)
        self.assert_denied(self.ssh("bob", [], key=self.key), 2 * SECONDS)
        self.service.send(signal.SIGCONT)
        sandbox.wait_until(sandbox.is_healthy, "sparekeyd answers again")
        self.restart_sshd(self.methods)

    def test_the_store_is_gone(self):
        self.service.stop()
        shutil.move("/var/lib/sparekey", "/var/lib/sparekey.away")
        os.mkdir("/var/lib/sparekey", mode=0o700)
        with self.assertRaises(sandbox.SandboxError):
            sandbox.start_sparekeyd()
        self.assert_denied(self.login("ada"), SECONDS)
        shutil.rmtree("/var/lib/sparekey")
        shutil.move("/var/lib/sparekey.away", "/var/lib/sparekey")
        self.service = sandbox.start_sparekeyd()


def accept_everything(connection):
    body = ACCEPT
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


if __name__ == "__main__":
    e2e.main()
