"""Runs a command and adds a last line to its output: {"peak_memory": bytes}.

  python -S peak_memory.py COMMAND...

Linux carries the peak of the process that called exec over into ru_maxrss of the new program, so a large parent must not
start the program that it measures: this small one does. What it adds is its own few megabytes as a lower bound.
"""

import json
import os
import subprocess
import sys

process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps({"peak_memory": usage.ru_maxrss * 1024}), flush=True)
sys.exit(0 if status == 0 else 1)
