"""Files that are being written while the process does something else."""

import os

from dacl_mm.files import atomic_file


def test_a_process_forked_meanwhile_neither_keeps_the_file_open_nor_writes_to_it(tmp_path):
    path = tmp_path / 'x.pth'
    with atomic_file(path) as file:
        file.write(b'one ')  # is buffered: both processes have it
        descriptor = file.fileno()
        child = os.fork()
        if child == 0:
            try:
                os.fstat(descriptor)
            except OSError:
                os._exit(0)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        file.write(b'two')
    assert path.read_bytes() == b'one two'
    assert [p.name for p in tmp_path.iterdir()] == ['x.pth']
