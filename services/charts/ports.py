"""What the charts room needs from the world."""

from typing import Protocol

from chassis.errors import TransientError
from services.charts.domain.scene import CurveScene, Scene


class RenderFailedError(TransientError):
    """No picture this time: the browser could not be opened, died or hung more than once."""


class Renderer(Protocol):
    """Turns a scene into a picture."""

    async def render(self, scene: Scene | CurveScene) -> bytes:
        """Draw a scene as a PNG of the canvas's size.

        Raises:
            RenderFailedError: no picture; a later try may succeed.
        """
        ...
