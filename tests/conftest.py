"""Signals and settings are those of a fresh terminal, and what is drawn is drawn less often.

Under nohup, or in the background of a script, some signals are ignored, and every child inherits
that; a developer's shell may hold settings of the program. `make test-all` repeats the tests that
draw their inputs, with as many examples as is usual.
"""

import os
import signal

from hypothesis import settings

settings.register_profile("thorough")
settings.register_profile("quick", max_examples=20)
settings.load_profile("quick")
for name in [name for name in os.environ if name.startswith("EVOLINSTRUCT_")]:
    del os.environ[name]
os.environ["EVOLINSTRUCT_SETTINGS"] = os.devnull  # not the developer's own

for name in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(name) is signal.SIG_IGN:
        is_interrupt = name is signal.SIGINT
        signal.signal(name, signal.default_int_handler if is_interrupt else signal.SIG_DFL)
