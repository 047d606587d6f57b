"""Blocks are found with their marks, and outputs are compared neither blindly nor strictly."""

from __future__ import annotations

import pytest

from tests.docs.pages import read_blocks
from tests.docs.scratch import agrees, commands_of

pytestmark = pytest.mark.unit

PAGE = """\
# A page

<!-- not run: needs a microphone -->
```sh
echocli live --mic
```

1. In a list:

   <!-- exit: 3 -->
   <!-- compared -->
   ```console
   $ echocli transcribe missing.wav
   ```

````text
```sh
not a block
```
````
"""


def test_blocks_have_their_lines_languages_and_marks() -> None:
    first, second, third = read_blocks("page.md", PAGE)
    assert (first.name, first.language, first.mark("not run")) == (
        "page.md:5",
        "sh",
        "needs a microphone",
    )
    assert second.text == "$ echocli transcribe missing.wav\n"
    assert (second.mark("exit"), second.mark("compared"), second.mark("not run")) == ("3", "", None)
    assert third.text.startswith("```sh\n")
    assert third.marks == ()


def test_a_block_that_is_not_closed_has_a_language_nobody_knows() -> None:
    (block,) = read_blocks("page.md", "```sh\necho\n")
    assert (block.language, block.text) == ("unclosed", "echo\n")


def test_commands_may_go_on_in_the_next_line() -> None:
    text = "$ echocli transcribe \\\n    talk.wav\nwords\n$ true\n"
    assert commands_of(text) == [
        ("echocli transcribe \\\n    talk.wav", "words"),
        ("true", ""),
    ]


@pytest.mark.parametrize(
    ("shown", "output", "same"),
    [
        ("total  734 ms", "total   1,208.5 ms\n", True),
        ("total  734 ms", "total 734 s\n", False),
        ("first\n...\nlast", "first\nsecond\nthird\nlast\n", True),
        ("first\n...\nlast", "first\nlast\n", True),
        ("first\nlast", "first\nsecond\nlast\n", False),
        ("from /…/model here", "from /some/where/model here\n", True),
        ("a (b) [c]", "a (b) [c]\n", True),
        ("", "", True),
        ("", "something\n", False),
    ],
)
def test_outputs_agree_but_for_figures_and_what_is_left_out(
    shown: str, output: str, same: bool
) -> None:
    assert agrees(shown, output) is same
