"""Where the package reads files: a new place has to be named here, with its reason."""

import ast
from pathlib import Path

import pytest
from conftest import REPO

#: What unpickles or executes, whatever it is called on; bare names as functions alone.
READERS = {
    *('load', 'loads', 'Unpickler', 'load_url', 'load_state_dict_from_url', 'read_pickle', 'unsafe_load'),
    *('full_load', 'safe_load', 'fromfile', 'fromstring', 'load_checkpoint', 'load_from_local', 'memmap'),
    *('system', 'popen', 'import_module', 'extractall', 'unpack_archive'),
}
BARE = {'eval', 'exec', 'compile', '__import__', 'load', 'loads'}
MODULES = {'dill', 'joblib', 'cloudpickle', 'shelve', 'marshal', 'pickle', 'pandas'}
#: File -> what it calls, and why that runs nothing.
ALLOWED = {
    'dacl_mm/arrays.py': ['np.load', 'np.load'],  # allow_pickle=False
    'dacl_mm/benchmarks/annotation_index.py': ['np.load'],  # likewise
    'dacl_mm/benchmarks/load.py': ['json.loads'],
    'dacl_mm/cli/__main__.py': ['import_module'],  # of dacl_mm.cli
    'dacl_mm/cli/convert_checkpoint.py': ['load_checkpoint'],  # ours
    'dacl_mm/cli/demo.py': ['json.loads'],
    'dacl_mm/cli/measure_framing.py': ['load_checkpoint'],  # ours
    'dacl_mm/cli/ship.py': ['load_checkpoint'],  # ours
    'dacl_mm/cli/strip_checkpoint.py': ['load_checkpoint'],  # ours
    'dacl_mm/cli/test.py': ['load_checkpoint'],  # ours
    'dacl_mm/comparison/heads/features.py': ['load_checkpoint'],  # ours
    'dacl_mm/comparison/plan/records.py': ['json.loads'],
    'dacl_mm/comparison/run/job.py': ['Config.fromfile'] * 3,  # the run's config, compared with our own text
    'dacl_mm/comparison/run/robustness.py': ['Config.fromfile'],  # the run's config, as job.py
    'dacl_mm/config/bases.py': ['Config.fromfile', 'yaml.safe_load'],  # configs are code
    'dacl_mm/datasets/images.py': ['image.load'],  # of Pillow
    'dacl_mm/datasets/readers/affectnet.py': ['json.load'],
    'dacl_mm/datasets/scan/index.py': ['json.loads'],
    'dacl_mm/engine/checkpoint/loader.py': [
        '_load', '_load', 'torch.load',  # weights_only=True
        'upstream.load_from_local',  # where the user's environment asks for it
    ],
    'dacl_mm/engine/checkpoint/resume.py': ['load_checkpoint', 'load_checkpoint'],  # ours
    'dacl_mm/engine/checkpoint/run.py': ['json.loads'],
    'dacl_mm/engine/runner.py': ['super().load_checkpoint'],  # unpickling_forbidden
    'dacl_mm/evaluation/model_card.py': ['json.loads'],
    'dacl_mm/inference/detectors/yunet.py': ['np.fromfile'],  # bytes
    'dacl_mm/inference/export/metadata.py': ['onnx.load'],  # of our own export
    'dacl_mm/inference/export/reduced.py': ['onnx.load', 'onnx.load'],  # likewise
    'dacl_mm/inference/export/source.py': ['load_checkpoint'],  # ours
    'dacl_mm/inference/export/standalone.py': ['json.loads', 'json.loads'],
    'dacl_mm/inference/from_checkpoint.py': ['load_checkpoint'],  # ours
    'dacl_mm/models/preprocessors/rendering.py': ['_load'],  # tensors to a device
    'dacl_mm/models/weights/pretrained.py': ['CheckpointLoader.load_checkpoint'],  # unpickling_forbidden
    'dacl_mm/verification/pictures.py': ['load', 'load'],  # its own, of an image
}  # fmt: skip
#: Names of the pickle module that execute nothing.
IMPORTED = {'dacl_mm/engine/checkpoint/loader.py': {'pickle'}, 'dacl_mm/errors.py': {'pickle'},
            'dacl_mm/unpickling.py': {'pickle'}}  # fmt: skip
FILES = sorted(
    path for part in ('dacl_mm', 'tools', 'configs') for path in (REPO / part).rglob('*.py')
    if 'dacl_mm/configs' not in path.as_posix()
)  # fmt: skip


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Return the calls of readers, by what they are called on."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            callee = ast.unparse(node.func)
            *owner, name = callee.split('.')
            name = name.lstrip('_')
            if name in READERS if owner else name in READERS | BARE or callee in BARE:
                found.append((callee, node))
    return found


def keyword(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(k.value) for k in call.keywords if k.arg == name), None)


@pytest.mark.promise('Security', 'a line is added that unpickles, executes or imports', 'this test names it')
def test_every_place_that_reads_is_known():
    found = {}
    for path in FILES:
        name = path.relative_to(REPO).as_posix()
        if its := [callee for callee, _ in calls(ast.parse(path.read_text()))]:
            found[name] = sorted(its)
    assert found == {name: sorted(its) for name, its in ALLOWED.items()}


def test_they_are_told_not_to_unpickle():
    told = dict(torch=('weights_only', True), np=('allow_pickle', False))
    seen = set()
    for path in FILES:
        for callee, call in calls(ast.parse(path.read_text())):
            if callee in ('torch.load', 'np.load'):
                option, value = told[callee.split('.')[0]]
                assert keyword(call, option) is value, f'{path}, line {call.lineno}'
                seen.add(callee)
    assert seen == {'torch.load', 'np.load'}


def test_no_module_that_unpickles_is_imported_and_no_shell_is_started():
    for path in FILES:
        name = path.relative_to(REPO).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules = {alias.name.split('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules = {(node.module or '').split('.')[0]}
            else:
                modules = set()
                if isinstance(node, ast.keyword) and node.arg == 'shell':
                    pytest.fail(f'{path}, line {node.value.lineno}')
            assert modules & MODULES <= IMPORTED.get(name, set()), f'{path}, line {node.lineno}'


def test_of_pickle_its_error_alone_is_used():
    for name in IMPORTED:
        tree = ast.parse(Path(REPO / name).read_text())
        used = {ast.unparse(n) for n in ast.walk(tree) if ast.unparse(n).startswith('pickle.')}
        assert used <= {'pickle.UnpicklingError'}
        taken = {a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == 'pickle'
                 for a in n.names}  # fmt: skip
        assert taken <= {'UnpicklingError'}
