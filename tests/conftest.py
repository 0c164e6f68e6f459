"""Signals and settings are those of a fresh terminal, whatever started the tests.

Under nohup, or in the background of a script, some signals are ignored, and every child inherits
that; a developer's shell may hold settings of the program.
"""

import os
import signal

for name in [name for name in os.environ if name.startswith("EVOLINSTRUCT_")]:
    del os.environ[name]

for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(name) is signal.SIG_IGN:
        is_interrupt = name is signal.SIGINT
        signal.signal(name, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
