"""Checks the answer that curl left: problem.py DIR STATUS CODE [PART...]"""

import sys

from wire import Reply, check_problem

directory, status, code, *parts = sys.argv[1:]
with open(f"{directory}/head", "rb") as file:
    head = file.read().decode("ascii")
with open(f"{directory}/body", "rb") as file:
    body = file.read()
# The last of several: 100 Continue comes first.
lines = head.strip().split("\r\n\r\n")[-1].split("\r\n")
fields = dict((name.lower(), value) for name, value in (line.split(": ", 1) for line in lines[1:]))
check_problem(Reply(int(lines[0].split()[1]), fields, body), int(status), code, *parts)
