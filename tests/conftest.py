"""Signals are those of a terminal, whatever started the tests; what is drawn is drawn less often.

Under nohup, or in the background of a script, some are ignored, and every child inherits that.

`make test-all` repeats the tests that draw their inputs, with as many examples as is usual.
"""

import signal

from hypothesis import settings

settings.register_profile("thorough")
settings.register_profile("quick", max_examples=20)
settings.load_profile("quick")

for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(name) is signal.SIG_IGN:
        is_interrupt = name is signal.SIGINT
        signal.signal(name, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
