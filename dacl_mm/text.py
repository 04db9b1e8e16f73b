"""Text from elsewhere - names of files and classes, messages - on its way to people.

A page is escaped by its template engine; here is what the other media need.
"""

from typing import TypeVar

Value = TypeVar('Value')


def printable(text: object) -> str:
    """Return a text on one line, without characters that a terminal or a log obeys.

    These become escapes as Python writes them: a line break ``\\n``, the start of a colour ``\\x1b``.
    """
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in str(text))


def printable_lines(text: str) -> str:
    """Return a text of several lines, each of them :func:`printable`."""
    return '\n'.join(printable(line) for line in text.expandtabs().split('\n'))


def csv_cell(value: Value) -> Value | str:
    """Return a value that a spreadsheet takes for text where it is text.

    Text that would be a formula gets an apostrophe in front, as OWASP's "CSV Injection" advises.
    """
    if isinstance(value, str) and value.startswith(('=', '+', '-', '@', '\t', '\r', '\n')):
        return f"'{value}"
    return value
