"""The journal: stores the outcome of every call before it is used.

The journal is the truth of a run. The run's files are a function of seeds, recipe and journal, so
whatever is in here is never asked, and never paid for, a second time. An outcome may be retired on
purpose: its row stays, and the next ask for its place and purpose is another draw.

    client      the client that asks the journal first, and the key by which calls are found
    journal     finds, stores and retires outcomes
    batch_book  which calls are in which batch, beside the outcomes
    outcome     how a call ended
    database    tables and version of the file; opens it
    shard       the same of a worker, and how it is taken into that of the run
    integrity   finds what a disk or a power cut did to the file
"""

from evolinstruct.llm.journal.journal import Journal
from evolinstruct.llm.journal.outcome import FAILED, REJECTED, REPLY, Outcome, Place

__all__ = ["FAILED", "REJECTED", "REPLY", "Journal", "Outcome", "Place"]
