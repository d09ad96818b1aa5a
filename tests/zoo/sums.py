"""SHA256SUMS beside the models, in the form that `sha256sum --check` reads."""
import hashlib
from pathlib import Path

FIXTURES = Path(__file__).parents[2] / "kernel-bridge/test/fixtures/zoo"
SUMS = "SHA256SUMS"


def sums_of(folder: Path) -> dict[str, str]:
    """By path in the folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != SUMS
    }


def read_sums(folder: Path) -> dict[str, str]:
    lines = (folder / SUMS).read_text().splitlines()
    return {path: digest for digest, path in (line.split("  ") for line in lines)}


def write_sums(folder: Path) -> None:
    lines = [f"{digest}  {path}\n" for path, digest in sums_of(folder).items()]
    (folder / SUMS).write_text("".join(lines))
