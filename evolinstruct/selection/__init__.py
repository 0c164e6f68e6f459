"""Selection: the best instructions of a run or a file, by their scores, and no two alike.

expression  what "best" means: measures, numbers, + - * / ( ) min max
candidates  the instructions that may be taken, with their values
holding     families that may not be taken, because they are exported elsewhere
likeness    how alike instructions are, by their embeddings
balance     so many of each band of difficulty, or of each skill
choosing    all of it, and what was passed over, by reason
reasons     these reasons in words
"""

from evolinstruct.selection.choosing import Chosen, Selection, Wish, consider, select

__all__ = ["Chosen", "Selection", "Wish", "consider", "select"]
