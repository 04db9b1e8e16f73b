"""What the extra ``export`` installs."""

from importlib.util import find_spec

from dacl_mm.errors import UserError

TO_EXPORT = ('onnx', 'onnxscript', 'onnxruntime')
TO_RUN = ('onnxruntime',)


def require_packages(names: tuple[str, ...], work: str) -> None:
    """Refuse work that lacks a package.

    Args:
        names: Packages that it imports.
        work: What is done with them ('an export').

    Raises:
        UserError: If one is not installed; names the command that installs it.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise UserError(f"{work} needs {', '.join(missing)}: pip install 'dacl-mm[export]'")
