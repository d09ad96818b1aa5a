"""The server of the browser tests: a temporary folder with the demo model and the example notebooks."""

import os
import shutil
import tempfile
from pathlib import Path

from jupyterlab.galata import configure_jupyter_server

REPOSITORY = Path(__file__).resolve().parent.parent
ROOT = Path(os.environ.get("JUPYTERLAB_GALATA_ROOT_DIR") or tempfile.mkdtemp(prefix="moe-ui-tests-"))

os.environ["JUPYTERLAB_GALATA_ROOT_DIR"] = str(ROOT)
if not (ROOT / "models").exists():
    (ROOT / "models").symlink_to(REPOSITORY / "models", target_is_directory=True)
shutil.copytree(
    REPOSITORY / "notebooks",
    ROOT / "notebooks",
    ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
    dirs_exist_ok=True,
)

configure_jupyter_server(c)  # noqa: F821

c.ServerApp.ip = "127.0.0.1"  # noqa: F821
c.ServerApp.port = int(os.environ.get("MOE_UI_PORT", "18999"))  # noqa: F821
c.ServerApp.allow_root = True  # noqa: F821
c.Application.log_level = "ERROR"  # noqa: F821
