# SPDX-License-Identifier: Apache-2.0
"""A login through libpam with any bytes as name and answers: JSON in, JSON out, a process each, so
that whoever calls sees a crash.

Reads {"service", "user", "answers", "rhost"}; bytes are base64. Prints {"auth", "account"}.
"""

import base64
import ctypes
import json
import sys

import e2e  # noqa: F401  # pylint: disable=unused-import  (finds scripts/lib)
import pam_login

PAM_RHOST = 4


def converse(answers):
    """A person who gives these answers in turn, then nothing more."""
    def run(count, messages, responses, _data):
        array = ctypes.cast(pam_login.libc.calloc(count, ctypes.sizeof(pam_login.Response)),
                            ctypes.POINTER(pam_login.Response))
        responses[0] = array
        for index in range(count):
            if messages[index].contents.style not in (pam_login.PAM_PROMPT_ECHO_OFF,
                                                      pam_login.PAM_PROMPT_ECHO_ON):
                continue
            if not answers:
                return pam_login.PAM_CONV_ERR
            array[index].text = pam_login.libc.strdup(ctypes.c_char_p(answers.pop(0)))
        return pam_login.PAM_SUCCESS
    return pam_login.CONVERSE(run)


def main():
    wanted = json.load(sys.stdin)
    libpam = pam_login.libpam
    person = converse([base64.b64decode(answer) for answer in wanted["answers"]])
    conversation = pam_login.Conversation(person, None)
    handle = ctypes.c_void_p()
    libpam.pam_start(wanted["service"].encode(),
                     ctypes.c_char_p(base64.b64decode(wanted["user"])),
                     ctypes.byref(conversation), ctypes.byref(handle))
    libpam.pam_set_item(handle, PAM_RHOST, ctypes.c_char_p(base64.b64decode(wanted["rhost"])))
    found = {"auth": libpam.pam_authenticate(handle, 0),
             "account": libpam.pam_acct_mgmt(handle, 0)}
    libpam.pam_end(handle, found["auth"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
