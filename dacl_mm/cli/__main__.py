"""dacl-mm train | test | compare | ...: the command lines of ``tools/``, after installation."""

import sys
from importlib import import_module

from .run import run

COMMANDS = {
    'train': 'train',
    'test': 'test',
    'predict': 'predict',
    'compare': 'compare',
    'compare-heads': 'compare_heads',
    'verify': 'verify_dataset',
    'browse': 'browse_dataset',
    'score': 'score',
    'convert': 'convert_checkpoint',
    'strip': 'strip_checkpoint',
    'ship': 'ship',
    'card': 'model_card',
    'export': 'export',
    'framing': 'measure_framing',
    'demo': 'demo',
    'benchmark': 'benchmark',
    'serve': 'serve',
}


def main() -> None:
    """Hand the arguments on to the command that the first one names."""
    name = sys.argv[1] if len(sys.argv) > 1 else ''
    if name not in COMMANDS:
        asked = name in ('-h', '--help')
        mistake = '' if asked or not name else f'dacl-mm: there is no command {name}\n'
        usage = f'usage: dacl-mm {" | ".join(COMMANDS)} ...\n(dacl-mm COMMAND --help shows its options)'
        print(mistake + usage, file=sys.stdout if asked else sys.stderr)
        sys.exit(0 if asked else 2)
    sys.argv = [f'dacl-mm {name}', *sys.argv[2:]]
    run(import_module(f'dacl_mm.cli.{COMMANDS[name]}').main)


if __name__ == '__main__':
    main()
