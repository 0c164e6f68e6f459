"""The server in a process of its own, for benchmarks and for trying things out."""

from __future__ import annotations

import argparse
import asyncio

from tests.loopback.handlers import echo, slowly, storm
from tests.loopback.server import Counts, address, listen


async def _serve(port: int, latency: float, faults: float) -> None:
    server = await listen(storm(slowly(echo, latency), faults), Counts(), port, set())
    print(address(server), flush=True)  # noqa: T201 - whoever started it reads the address
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.loopback", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one, and prints it")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    parser.add_argument("--faults", type=float, default=0.0, help="share of faulty answers")
    args = parser.parse_args()
    try:
        asyncio.run(_serve(args.port, args.latency, args.faults))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
