"""Sessions in processes of their own, each with the memory settings of its kind of training."""

import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope

from dacl_mm.engine.memory import keep_freed_memory

from .player import Player, receive
from .session import PlainSession, Session, Timed
from .setting import Setting
from .timing import DEVICE


def session_player(cfg: Config | None, setting: Setting) -> Player:
    """Start a process that answers ('time' or 'work' or 'limit', arguments) as a session's methods do.

    Args:
        cfg: The config of the session; None stands for the plain loop.
        setting: Images and their size.
    """
    if cfg is None:
        return Player(_serve_plain, setting)
    return Player(_serve_config, cfg, Path(tempfile.mkdtemp(dir=setting.folder)))


def _serve_config(connection: Connection, cfg: Config, folder: Path) -> None:
    init_default_scope('mmpretrain')
    if DEVICE == 'cpu':
        keep_freed_memory()  # as launch.train does
    _serve(connection, Session(cfg, folder))


def _serve_plain(connection: Connection, setting: Setting) -> None:
    _serve(connection, PlainSession(setting))


def _serve(connection: Connection, session: Timed) -> None:
    while True:
        method, *arguments = receive(connection)
        connection.send(getattr(session, method)(*arguments))
