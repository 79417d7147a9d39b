"""`python -m chassis.probe URL`: the health check of a container, with nothing but the standard library.

Ends with 0 where the URL answers 200; else with 1 and what it answered, so that `docker inspect` shows the reason.
"""

import sys
import urllib.error
import urllib.request


def probe(url: str) -> str | None:
    """Ask once; None when all is well, else what is wrong."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310  # the operator's own URL
            return None if answer.status == 200 else f"{url} answered {answer.status}"
    except urllib.error.HTTPError as e:
        return f"{url} answered {e.code}: {e.read(2000).decode(errors='replace')}"
    except OSError as e:
        return f"{url}: {e}"


if __name__ == "__main__":
    problem = probe(sys.argv[1])
    if problem is not None:
        sys.stderr.write(problem + "\n")
        sys.exit(1)
