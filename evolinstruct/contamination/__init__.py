"""Whether a text holds a test item: the user's own items, their n-grams, and which of them surface.

What counts is taken from two papers on training data. A text holds an item if the two share 13
words in a row (GPT-3, arXiv 2005.14165, appendix C), or if it has at least 70% of the item's
8-grams (PaLM, arXiv 2204.02311, section 8). Fewer shared 8-grams are a weak overlap, most often a
common phrase: reported, and no reason to drop anything. An item of fewer than 8 words is held by a
text that equals it, its signs included, but for the one that ends it. Words are compared without
case, signs and the form in which Unicode writes them; scripts that write without spaces count by
the character. Knows texts and where
items come from by name; no file, no run and no rule.
"""

from __future__ import annotations

from evolinstruct.contamination.index import GRAM, SHARE, WORDS, Index, Overlap
from evolinstruct.contamination.items import NONE, Item, Items
from evolinstruct.contamination.near import LIKENESS, Near, NearIndex

__all__ = [
    "GRAM",
    "LIKENESS",
    "NONE",
    "SHARE",
    "WORDS",
    "Index",
    "Item",
    "Items",
    "Near",
    "NearIndex",
    "Overlap",
]
