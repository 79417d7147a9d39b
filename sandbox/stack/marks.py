"""The mark that every process of a stack carries in its environment, so that none can be left behind unseen."""

from pathlib import Path

MARK = "SINYAL_STACK_ID"


def find_marked(identity: str) -> list[int]:
    """Find processes whose environment carries a stack's mark; none where there is no `/proc`. A zombie has none."""
    wanted = f"{MARK}={identity}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environment.split(b"\0"):
            found.append(int(folder.name))
    return found
