// SPDX-License-Identifier: Apache-2.0
// libpam and the module find their syslog(3) here: thousands of denials are not for the log of the
// machine that runs the tests.
#define SINK extern "C" __attribute__((visibility("default")))
SINK void syslog(int, const char*, ...) {}
SINK void __syslog_chk(int, int, const char*, ...) {}  // NOLINT: libc's name
