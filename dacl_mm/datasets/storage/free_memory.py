"""How much memory this process may still take."""

import re
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path('/sys/fs/cgroup')  # version 2


def free_memory() -> int:
    """Return the machine's available memory in bytes, or less where a container or job is limited."""
    machine = re.search(r'MemAvailable: +(\d+) kB', Path('/proc/meminfo').read_text())
    return min([int(machine[1]) * 1024 if machine else 0, *_groups()])


def _groups() -> Iterator[int]:
    """Yield what each limited control group that this process is in leaves, in bytes."""
    own = re.search(r'^0::/(.*)$', Path('/proc/self/cgroup').read_text(), re.MULTILINE)
    folder = CGROUPS / (own[1] if own else '')
    for group in (folder, *folder.parents):
        limit, used, details = (group / f'memory.{name}' for name in ('max', 'current', 'stat'))
        if limit.is_file() and limit.read_text().strip() != 'max':
            cached = re.findall(r'^(?:in)?active_file (\d+)$', details.read_text(), re.MULTILINE)
            yield int(limit.read_text()) - int(used.read_text()) + sum(map(int, cached))
