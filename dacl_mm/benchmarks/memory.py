"""Memory and output of processes, as Linux counts them."""

from pathlib import Path


def private_bytes(process: int | str = 'self') -> int:
    """Return the memory of a process that it shares with no other."""
    lines = Path(f'/proc/{process}/smaps_rollup').read_text().splitlines()[1:]
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith('Private'))


def anonymous_bytes() -> int:
    """Return the memory of this process that is no file's; forked processes may still share it."""
    fields = dict(line.split(':') for line in Path('/proc/self/status').read_text().splitlines())
    return 1024 * int(fields['RssAnon'].split()[0])


def written_bytes(process: int | str = 'self') -> int:
    """Return what a process, and children that have ended, have written so far."""
    fields = dict(line.split(': ') for line in Path(f'/proc/{process}/io').read_text().splitlines())
    return int(fields['wchar'])
