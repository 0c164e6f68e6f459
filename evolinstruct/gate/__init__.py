"""The gate between rewriting and answering: the rules that look at the whole pool.

Proposals pass it one by one, in pool order, before their answers are paid for. Knows what has
passed before, of every family; nothing of calls, of files of lines, and of who waits for whom.
"""

from __future__ import annotations

from evolinstruct.gate.duplicates import Gate, open_gate

__all__ = ["Gate", "open_gate"]
