"""MoE Debugger for JupyterLab: the built extension, the server extension and the kernel's installer."""

try:
    from ._version import __version__
except ImportError:  # a clone in which nothing was built yet
    __version__ = "0"

EXTENSION = "jupyterlab-moe-debugger"


def _jupyter_labextension_paths():
    return [{"src": "labextension", "dest": EXTENSION}]


def _jupyter_server_extension_points():
    return [{"module": "jupyterlab_moe_debugger"}]


def _load_jupyter_server_extension(server_app):
    from .nodelay import send_without_delay

    send_without_delay(server_app)


# The name that Jupyter Server used before 2.0, and that JupyterLab's own tools still use.
load_jupyter_server_extension = _load_jupyter_server_extension
