# SPDX-License-Identifier: Apache-2.0
"""A login through libpam without a login program: asks on the terminal, or takes lines from a pipe.

Prints what PAM says; the last line is "accepted" or "denied: REASON". Runs authentication and the
account phase in one handle, as every login program does.
"""

import argparse
import ctypes
import getpass
import sys

PAM_SUCCESS, PAM_BUF_ERR, PAM_CONV_ERR = 0, 5, 19
PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON = 1, 2


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


CONVERSE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.POINTER(ctypes.POINTER(Message)),
                            ctypes.POINTER(ctypes.POINTER(Response)), ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("converse", CONVERSE), ("data", ctypes.c_void_p)]


libc = ctypes.CDLL(None)
libc.calloc.restype = ctypes.c_void_p
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.strdup.restype = ctypes.c_void_p
libpam = ctypes.CDLL("libpam.so.0")
libpam.pam_strerror.restype = ctypes.c_char_p


answers = None  # a file of lines; None: a person at the terminal


def ask(style, prompt):
    """The answer of the person at the terminal, or of the next line of standard input."""
    if answers:
        print(prompt, flush=True)
        line = answers.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")
    return getpass.getpass(prompt) if style == PAM_PROMPT_ECHO_OFF else input(prompt)


def converse(count, messages, responses, _data):
    array = ctypes.cast(libc.calloc(count, ctypes.sizeof(Response)), ctypes.POINTER(Response))
    if not array:
        return PAM_BUF_ERR
    responses[0] = array  # libpam frees it, whatever is returned
    try:
        for index in range(count):
            message = messages[index].contents
            text = (message.text or b"").decode(errors="replace")
            if message.style in (PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON):
                array[index].text = libc.strdup(ask(message.style, text).encode())
            else:
                print(text, flush=True)
    except (EOFError, KeyboardInterrupt):
        return PAM_CONV_ERR
    return PAM_SUCCESS


def log_in(service, user, confdir=None):
    """PAM's result, and its words for it."""
    conversation = Conversation(CONVERSE(converse), None)
    handle = ctypes.c_void_p()
    arguments = [service.encode(), user.encode(), ctypes.byref(conversation)]
    if confdir:
        result = libpam.pam_start_confdir(*arguments, confdir.encode(), ctypes.byref(handle))
    else:
        result = libpam.pam_start(*arguments, ctypes.byref(handle))
    for phase in (libpam.pam_authenticate, libpam.pam_acct_mgmt):
        if result == PAM_SUCCESS:
            result = phase(handle, 0)
    words = libpam.pam_strerror(handle, result).decode()
    libpam.pam_end(handle, result)
    return result, words


def main():
    global answers
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("service")
    parser.add_argument("user")
    parser.add_argument("--confdir", help="folder of PAM files instead of /etc/pam.d")
    parser.add_argument("--answers", type=int, help="descriptor to read answers from, a line each")
    options = parser.parse_args()
    if options.answers is not None:
        answers = open(options.answers)
    elif not sys.stdin.isatty():
        answers = sys.stdin
    result, words = log_in(options.service, options.user, options.confdir)
    print("accepted" if result == PAM_SUCCESS else f"denied: {words}", flush=True)
    sys.exit(0 if result == PAM_SUCCESS else 1)


if __name__ == "__main__":
    main()
