"""`show` on the terminal: lines of a run, each with a heading, its texts and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from evolinstruct.analysis.scores import ScoreBook
from evolinstruct.console.page import Page, page_text
from evolinstruct.records import Failed, Kept, Line, Rejected
from evolinstruct.run_dir.lines import ParsedLine
from evolinstruct.text import counted, decimal, one_line, signed
from evolinstruct.words import count_words

INSTRUCTION_LINES = 12
ANSWER_LINES = 4
_ALL = 1_000_000
_INDENT = "  "


def heading(line: Line, grown: int | None = None, scores: Iterable[str] = ()) -> Text:
    """Return a line's id, place, outcome, length and scores, on one line."""
    text = Text()
    text.append(one_line(line.id), style="bold")
    parts = ["seed" if line.generation == 0 else f"generation {line.generation}"]
    if line.operation:
        drawn = getattr(line, "format", None)
        parts.append(f"{line.operation} ({drawn})" if drawn else line.operation)
    text.append("".join(f" · {one_line(part)}" for part in parts))
    text.append(" · ")
    text.append_text(_outcome(line))
    if not isinstance(line, Failed) and line.instruction:
        more = "" if grown is None else f" ({grown:+,})"
        text.append(f" · {counted(count_words(line.instruction), 'word')}{more}")
    text.append("".join(f" · {each}" for each in scores))
    return text


def scores_of(scores: ScoreBook, line: Line) -> Iterator[str]:
    """Yield what each measure says of a line, with the range in which it may lie."""
    for way in scores.usual:
        score = scores.score(way, line)
        if score is not None:
            span = "" if score.low is None else f" ({decimal(score.low)} to {decimal(score.high)})"
            yield f"{way.measure} {decimal(score.value)}{span}"


def gains_of(scores: ScoreBook, line: Line, parent: Line) -> Iterator[str]:
    """Yield what each measure says of a line, with what that is more than of its parent."""
    for way in scores.usual:
        score, before = scores.score(way, line), scores.score(way, parent)
        if score is not None:
            gain = "" if before is None else f" ({signed(score.value - before.value)})"
            yield f"{way.measure} {decimal(score.value)}{gain}"


def _outcome(line: Line) -> Text:
    match line:
        case Rejected(rule=rule):
            return Text(f"rejected: {one_line(rule)}", style="red")
        case Failed(purpose=purpose, error=error):
            return Text(f"failed: {one_line(purpose)}, {one_line(error)}", style="magenta")
        case Kept(compared="unclear"):
            return Text("kept, comparison unclear", style="green")
        case Kept(generation=0, seed_source=source):
            return Text(f"from {one_line(source or 'a file')}", style="green")
        case _:
            return Text("kept", style="green")


def show_lines(
    page: Page, entries: Iterable[ParsedLine], scores: ScoreBook, limit: int, *, whole: bool
) -> str:
    """Print lines up to a limit, 0 for none; return a sentence on how many there are."""
    shown = found = 0
    for entry in entries:
        found += 1
        if not limit or shown < limit:
            show_line(page, entry.line, scores, whole=whole)
            shown += 1
    if shown < found:
        return f"{shown:,} of {counted(found, 'matching line')}; --limit 0 shows all."
    return f"{counted(found, 'matching line')}." if found else "No line matches."


def show_line(page: Page, line: Line, scores: ScoreBook, *, whole: bool) -> None:
    """Print a line with its texts; only their first lines unless `whole`."""
    page.heading(heading(line, scores=scores_of(scores, line)))
    if isinstance(line, Failed):
        page.print(f"{page_text(line.message)} ({counted(line.attempts, 'attempt')})", _INDENT)
    elif line.instruction:
        most = _ALL if whole else INSTRUCTION_LINES
        page.print(page.shorten(page_text(line.instruction), most), _INDENT)
    show_outcome(page, line, _INDENT, _ALL if whole else ANSWER_LINES)
    page.print()


def show_outcome(page: Page, line: Line, indent: str, most: int) -> None:
    """Print why a line was rejected, its answer and, without an instruction, the whole reply."""
    if isinstance(line, Failed):
        return
    if isinstance(line, Rejected):
        _labelled(page, "evidence", one_line(line.evidence) or "(none)", indent)
    if line.output is not None:
        words = counted(count_words(line.output), "word")
        text = page.shorten(page_text(line.output), most)
        _labelled(page, f"answer, {words}", text or "(empty)", indent)
    elif isinstance(line, Rejected) and not line.instruction and line.raw:
        _labelled(page, "reply", page.shorten(page_text(line.raw), most), indent)


def _labelled(page: Page, label: str, text: str, indent: str) -> None:
    page.print(Text.assemble((f"{label}: ", "cyan"), text), indent, indent + _INDENT)
