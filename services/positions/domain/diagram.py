"""The page `docs/positions-life.md`, made from the transition table. Write it anew after a change of the table:

python -c "from services.positions.domain.diagram import page; print(page(), end='')" > docs/positions-life.md
"""

from services.positions.domain.life import FOLLOWED, LIVE, TABLE, Event, State

_HEAD = """# The life of a position

Made from `services/positions/domain/life.py`: do not edit. An event that has no arrow from a state changes nothing
there. States and events lie in `position` and `position_event`; the state is the fold of the events.
"""


def mermaid() -> str:
    """Draw the table as a state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PROPOSED}"]
    for (state, event), step in TABLE.items():
        told = f" / {', '.join(step.facts)}" if step.facts else ""
        lines.append(f"    {state} --> {step.state}: {event}{told}")
    lines += [f"    {state} --> [*]" for state in State if state not in LIVE]
    return "\n".join(lines)


def page() -> str:
    """Write the page: the diagram, what the events mean, and what the states are for."""
    events = [f"| {event} | {event.meaning} |" for event in Event]
    states = [f"| {state} | {_yes(state in LIVE)} | {_yes(state in FOLLOWED)} |" for state in State]
    parts = [
        _HEAD,
        f"```mermaid\n{mermaid()}\n```\n",
        "\n".join(["| event | means |", "|---|---|", *events, ""]),
        "\n".join(
            ["| state | keeps its subscriber from another | ticks are held against it |", "|---|---|---|", *states]
        ),
    ]
    return "\n".join(parts) + "\n"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
