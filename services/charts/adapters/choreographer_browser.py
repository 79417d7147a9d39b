"""Choreographer's browser, made safe to keep: no network, no files outside its folder, an end that is certain.

Choreographer speaks DevTools over a pipe and owns the tabs. What is changed here, through its own seams:

- it starts the browser through a helper process; ours becomes the browser itself, and dies with its parent (PDEATHSIG);
- it keeps the far ends of the pipes open, so that a dead browser is never noticed; ours are closed;
- its profile lies in our folder, which we remove; its own clean-up, which may block for seconds, does nothing;
- futures of a browser that closes are cancelled, which looks like our own cancellation: `send` tells the two apart.
"""

import asyncio
import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from choreographer import Browser
from choreographer.browsers import Chromium
from choreographer.channels import Pipe
from choreographer.errors import BrowserClosedError, BrowserFailedError, ChannelClosedError

from services.charts.adapters.chromium_folder import BrowserFolder
from services.charts.adapters.chromium_process import kill_session

_UNWANTED = ("--allow-file-access-from-files", "--disable-web-security")
_UNSEEN = "PreloadTopChromeWebUI,SpareRendererForSitePerProcess,InitialWebUI,TabSearch,SidePanel,Translate,MediaRouter"
_FLAGS = (
    # nothing leaves the machine: no name and no address resolves
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--no-pings",
    # no processes for an interface that nobody sees
    f"--disable-features={_UNSEEN}",
    "--in-process-gpu",
    # the same picture on every machine
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--hide-scrollbars",
    "--mute-audio",
)
_DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
_BECOME_BROWSER = 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null'
"""Chromium reads DevTools on 3 and writes on 4; the pipe comes as standard input and output."""


class BrowserGoneError(Exception):
    """The browser died, was closed or never opened."""


class PageError(Exception):
    """The page refused the figure: JavaScript raised, or DevTools answered with an error."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How browsers are started. `root` is where their folders lie (None: the system's temporary folder)."""

    browser: Path
    is_sandboxed: bool
    root: Path | None = None


class EndedPipe(Pipe):
    """A pipe that ends when the browser does: our copies of its two far ends are closed once it has them."""

    def open(self) -> None:
        """Mark the pipe open; the browser has been started."""
        super().open()
        for name in ("_write_from_browser", "_read_to_browser"):
            os.close(getattr(self, name))
            setattr(self, name, -1)


@dataclass(frozen=True, slots=True)
class _Profile:
    """What choreographer wants to know of its temporary folder."""

    path: Path


class OfflineChromium(Chromium):
    """Chromium without a network, with its profile and home in our folder."""

    def __init__(self, channel: Pipe, path: Path, *, folder: BrowserFolder, is_sandboxed: bool) -> None:
        super().__init__(channel, path, enable_sandbox=is_sandboxed, enable_extensions=False)
        self._folder = folder

    def pre_open(self) -> None:
        """Point to the profile in our folder."""
        self.tmp_dir = _Profile(self._folder.profile)  # type: ignore[assignment]  # all it asks is the path

    def get_cli(self) -> list[str]:
        """Give the command: the browser itself, in place of the helper that choreographer puts before it."""
        wanted = [flag for flag in super().get_cli()[3:] if flag not in _UNWANTED]
        guard = _DIES_WITH_PARENT if shutil.which(_DIES_WITH_PARENT[0]) else ()
        return [*guard, "/bin/sh", "-c", _BECOME_BROWSER, str(self.path), *wanted, *_FLAGS]

    def get_env(self) -> dict[str, str]:
        """Give the environment: our settings and secrets are none of the browser's business, a sandbox's mark is."""
        names = ("PATH", "LANG", "LC_ALL", "TZ", "SINYAL_STACK_ID")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        home = str(self._folder.home)
        return kept | {"HOME": home, "TMPDIR": str(self._folder.path), "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home}

    def clean(self) -> None:
        """Leave the folder alone: it is removed when every process of the browser is dead."""


class SupervisedBrowser:
    """One browser with its folder, from open to certain end. `kind` is choreographer's Browser or kaleido's."""

    def __init__(self, launch: Launch, kind: type[Browser] = Browser, **kwargs: Any) -> None:
        self._launch = launch
        self._kind = kind
        self._kwargs = kwargs
        self._opened: Any = None
        self.folder = BrowserFolder(launch.root)

    @property
    def session(self) -> int | None:
        """The number of the browser's session, which is its leader's pid; None before it runs."""
        process = getattr(self._opened, "subprocess", None)
        return None if process is None else int(process.pid)

    @property
    def is_alive(self) -> bool:
        """Whether the leader runs."""
        return self.session is not None and self._opened.subprocess.poll() is None

    @property
    def first_tab(self) -> Any:
        """The tab the browser came with, or None."""
        return self._opened.get_tab()

    async def open(self) -> None:
        """Start the browser. Close it whatever happens.

        Raises:
            BrowserGoneError: it did not start.
        """
        self._opened = self._kind(
            path=self._launch.browser,
            browser_cls=OfflineChromium,
            channel_cls=EndedPipe,
            folder=self.folder,
            is_sandboxed=self._launch.is_sandboxed,
            **self._kwargs,
        )
        await _translate(self._opened.open())
        if self.session is not None:
            self.folder.remember(self.session)

    async def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Await a method of the library's browser.

        Raises:
            BrowserGoneError: it is not there.
        """
        return await _translate(getattr(self._opened, method)(*args, **kwargs))

    async def close(self) -> None:
        """Kill every process, wait for their end, remove the folder. Safe to call twice and on a half-open one."""
        if self.session is not None:
            await asyncio.to_thread(self._kill, self.session)
        if self._opened is not None:
            await self._opened.close()
        await asyncio.to_thread(self.folder.remove)

    def _kill(self, session: int) -> None:
        kill_session(session)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._opened.subprocess.wait(5)


async def send(target: Any, command: str, **params: Any) -> dict[str, Any]:
    """Send a DevTools command to a browser or a tab and return its result.

    Raises:
        BrowserGoneError: nobody is there to answer.
        PageError: the answer is an error, or JavaScript raised.
    """
    answer = await _translate(target.send_command(command, params=params))
    if "error" in answer:
        raise PageError(f"{command}: {answer['error'].get('message', answer['error'])}")
    result: dict[str, Any] = answer["result"]
    if raised := result.get("exceptionDetails"):
        raise PageError(str(raised.get("exception", {}).get("description", raised.get("text")))[:500])
    return result


_GONE = (
    asyncio.CancelledError,  # its futures are cancelled when the pipe ends
    asyncio.InvalidStateError,  # a write failed after they were: it tells a future that is over
    BrowserClosedError,
    BrowserFailedError,
    ChannelClosedError,
    KeyError,  # the same, one line later: the future is not in its books any more
    RuntimeError,
)
"""What choreographer raises where the browser went away, by the moment at which it went."""


async def _translate(call: Any) -> Any:
    """Await a call of choreographer; where it was the browser that went away, and not us, say so."""
    try:
        return await call
    except _GONE as e:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from e
        raise BrowserGoneError(f"the browser is gone ({type(e).__name__})") from e
