"""The outcome of every call, stored before it is used.

The journal is the truth of a run: the files of a run are a function of seeds, recipe and journal,
so whatever is in here is never asked, and never paid, a second time. An outcome may be retired on
purpose: its row stays, and the next ask for its place and purpose is another throw of the dice.
"""

from evolinstruct.llm.journal.journal import Journal
from evolinstruct.llm.journal.outcome import FAILED, REJECTED, REPLY, Outcome, Place

__all__ = ["FAILED", "REJECTED", "REPLY", "Journal", "Outcome", "Place"]
