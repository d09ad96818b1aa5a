"""The code blocks of the documentation, in the order in which a page shows them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
#: CONTRIBUTING's recipes are run by recipes.spec.ts and recipes.spec.tsx.
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]

# A comment `<!-- not run: REASON -->` above a block says why it is not run.
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+) -->\n\n?)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Block:
    page: str
    line: int
    language: str
    code: str
    #: Why it is not run, if it is not.
    reason: str | None


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [
        Block(
            page.relative_to(REPOSITORY).as_posix(),
            text.count("\n", 0, match.start("code")) + 1,
            match["language"],
            match["code"],
            match["reason"],
        )
        for match in BLOCK.finditer(text)
    ]
    # A block that the pattern misses would be a block that nobody runs.
    fences = len(re.findall(r"^ *```", text, re.MULTILINE))
    assert fences == 2 * len(found), f"{page.name} has {fences} fences, but {len(found)} blocks"
    return found
