"""Runs a command on a terminal of its own, answers its first question, and passes on what it prints.

    ask.py ANSWER COMMAND [ARG...]          the exit status is that of the command
"""

import os
import pty
import sys


def main():
    answer, *command = sys.argv[1:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    text, answered = b"", False
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        text += piece
        if not answered and b"[y/N]" in text:
            os.write(terminal, answer.encode() + b"\n")
            answered = True
    sys.stdout.write(text.decode(errors="replace").replace("\r", "\n"))
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
