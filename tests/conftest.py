"""Signals are those of a terminal, whatever started the tests.

Under nohup, or in the background of a script, some are ignored, and every child inherits that.
"""

import signal

for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(name) is signal.SIG_IGN:
        is_interrupt = name is signal.SIGINT
        signal.signal(name, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
