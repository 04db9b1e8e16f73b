"""docs/reliability.md lists what the tests that are marked as promises show.

``DACL_WRITE_DOCS=1`` writes its tables anew.
"""

import ast
import os
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / 'docs' / 'reliability.md'
START, END = '<!-- written by tests/test_reliability_page.py -->\n', '<!-- end -->'
#: Headings, in the page's order.
PARTS = ('Any interruption', 'Any number of processes', 'Any precision', 'Security', 'Host')


class Promise(NamedTuple):
    part: str
    fault: str
    outcome: str
    test: str


def promises(path: Path) -> list[Promise]:
    """Return what the tests of a file promise: ``@pytest.mark.promise(part, fault, outcome)``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.FunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == 'pytest.mark.promise':
                name = f'{path.relative_to(TESTS).as_posix()}::{node.name}'
                found.append(Promise(*map(ast.literal_eval, mark.args), name))
    return found


def tables(found: list[Promise]) -> str:
    lines = []
    for part in PARTS:
        rows = [promise for promise in found if promise.part == part]
        if rows:
            lines += [f'\n## {part}\n', '| what happens | outcome | test |', '|---|---|---|']
            lines += [f'| {row.fault} | {row.outcome} | `{row.test}` |' for row in rows]
    return '\n'.join(lines) + '\n'


def test_the_page_lists_what_the_tests_promise():
    found = [its for path in sorted(TESTS.rglob('test_*.py')) for its in promises(path)]
    strange = [promise for promise in found if promise.part not in PARTS or '|' in ''.join(promise)]
    assert not strange
    page = PAGE.read_text()
    head, _, rest = page.partition(START)
    tail = rest.partition(END)[2]
    assert tail, f'{PAGE} lacks {START} or {END}'
    new = head + START + tables(found) + END + tail
    if os.environ.get('DACL_WRITE_DOCS') == '1':
        PAGE.write_text(new)
    elif page != new:
        pytest.fail(f'DACL_WRITE_DOCS=1 pytest {Path(__file__).relative_to(TESTS.parent)} writes {PAGE} anew')
