"""Write the tables of a model's card from measured numbers.

python tools/model_card.py dacl_mm/weights/README.md docs/results/fer_r18h
"""

import argparse
from pathlib import Path

from dacl_mm.errors import MissingFileError
from dacl_mm.evaluation.model_card import TESTS, fill_card
from dacl_mm.files import write_atomic


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('card', help='Markdown file with <!-- table: NAME --> ... <!-- end -->')
    parser.add_argument(
        'folder',
        help=f'folder of {", ".join(TESTS)} (tools/test.py --out-item card), held_out.json (tools/ship.py '
        '--report) and robustness.json',
    )
    args = parser.parse_args()
    card = Path(args.card)
    if not card.is_file():
        raise MissingFileError(f'card {card} does not exist')
    write_atomic(fill_card(card.read_text(), Path(args.folder)).encode(), card)
    print(f'{card}: tables written from {args.folder}')
