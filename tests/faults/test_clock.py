# SPDX-License-Identifier: Apache-2.0
"""A real sparekeyd under another clock, by libfaketime: 1970, 2038, 2106, an hour back, a day ahead.

tests/service/clock_test.cc has all the rules; here the whole program runs, with its timers, its logs and
its store.
"""

import base64
import glob
import hashlib
import hmac
import struct
import time

import campaign
from campaign import AUTH_ERR, DOORS, SUCCESS, faults

LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketime.so.1") or [None])[0]
HOUR, DAY = 3600, 86400


def totp(secret, now):
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(now) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset:offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


class Clock(campaign.Campaign):

    def setUp(self):
        super().setUp()
        self.assertIsNotNone(LIBRARY, "libfaketime is missing")
        made = self.service.must("POST", "/v1/accounts/kim/enrolment", {"confirm": False})
        self.secret, self.sheet = made["secret"], made["backup_codes"]
        self.offset = 0

    def turn_to(self, moment):
        """Starts sparekeyd anew at that time; its timers run on the true clock."""
        self.offset = int(moment - time.time())
        self.service.end()
        self.assertTrue(self.service.start(environment={
            "LD_PRELOAD": LIBRARY, "FAKETIME": f"{self.offset:+d}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}), self.service.log())
        clock = self.service.must("GET", "/v1/status")["clock"]
        told = time.strptime(clock["now"], "%Y-%m-%dT%H:%M:%SZ")
        self.assertEqual(told.tm_year, time.gmtime(moment).tm_year)
        faults["turns of the clock"] += 1
        return clock["usable"]

    def kim(self, door="ssh", code=None):
        return self.service.log_in(door, "kim", code or totp(self.secret, time.time() + self.offset))

    def check_the_rest(self, door):
        """What needs no clock."""
        self.assertTrue(self.ada.log_in(door))
        self.ada.replay(door)
        self.assertTrue(self.ada.fail(door))
        self.ada.check(door)

    def failures(self):
        return self.service.must("GET", "/v1/accounts/kim")["otp_failures"]

    def test_1970(self):
        self.assertFalse(self.turn_to(1000))
        for door in DOORS:
            self.assertEqual(self.kim(door), AUTH_ERR)
        self.assertEqual(self.failures(), 0)
        self.check_the_rest("ssh")
        self.assertEqual(self.service.log_in("ssh", "kim", "recover", *self.sheet[:2]), SUCCESS)
        self.turn_to(time.time())
        self.assertEqual(self.kim(), SUCCESS)

    def test_2038_and_2106(self):
        for moment, door in ((2**31 + 100, "web"), (2**32 + 100, "other")):
            self.assertTrue(self.turn_to(moment))
            code = totp(self.secret, time.time() + self.offset)
            self.assertEqual(self.kim(door, code), SUCCESS)
            self.assertEqual(self.kim(door, code), AUTH_ERR)
            self.assertEqual(self.failures(), 0)
            self.check_the_rest(door)
        # Back in our time no code that needs the clock is taken, since later ones are spent.
        self.turn_to(time.time())
        self.assertEqual(self.kim(), AUTH_ERR)
        self.assertEqual(self.failures(), 0)
        self.check_the_rest("ssh")
        self.assertEqual(self.service.log_in("ssh", "kim", "recover", *self.sheet[:2]), SUCCESS)

    def test_an_hour_back_and_a_day_ahead(self):
        self.turn_to(time.time() + DAY)
        today = totp(self.secret, time.time())
        self.assertEqual(self.kim(code=today), AUTH_ERR)
        self.assertEqual(self.failures(), 1)
        self.assertEqual(self.kim(), SUCCESS)
        self.turn_to(time.time())
        self.assertEqual(self.kim(), AUTH_ERR)
        self.turn_to(time.time() + DAY - HOUR)
        self.assertEqual(self.kim(), AUTH_ERR)
        self.assertEqual(self.failures(), 0)
        self.turn_to(time.time() + DAY + 60)
        self.assertEqual(self.kim(), SUCCESS)
        self.check_all()

    def test_a_lock_stays_at_every_time(self):
        for _ in range(5):
            self.bob.fail("ssh")
        self.assertEqual(self.service.must("GET", "/v1/accounts/bob")["lockout"], "locked")
        for moment in (1000, time.time() - HOUR, time.time() + DAY, 2**31 + 5, 2**32 + 5):
            self.turn_to(moment)
            self.assertEqual(self.service.log_in("ssh", "bob", self.bob.code()), AUTH_ERR)
            self.assertEqual(self.service.must("GET", "/v1/accounts/bob")["lockout"], "locked")


if __name__ == "__main__":
    campaign.main()
