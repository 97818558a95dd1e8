"""Text of others, made fit for where Home Assistant shows it."""

import re

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


def markdown(text: str) -> str:
    """Return Markdown that reads as the text itself, on one line.

    Descriptions are Markdown; what a server is called must not become a link in them.
    """
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))
