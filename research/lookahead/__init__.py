"""Whether a strategy sees the future: its signals under futures cut off, bent and moved, and with its doors watched."""
