"""Writes `deploy/nats/users.conf` from the catalogue: `python deploy/nats_users.py`. A test holds the file to it."""

from pathlib import Path

from chassis.broker_users import broker_users, configuration

TARGET = Path(__file__).resolve().parent / "nats" / "users.conf"
HEAD = """\
# The users of the broker and what each may do. Written by `python deploy/nats_users.py` from contracts/catalogue.py; a
# test holds it to that. The public keys are variables that keys.conf sets: `sinyal nats-users` makes it, and the seeds.
include ./keys.conf
"""


def build() -> str:
    """Write the whole file."""
    return HEAD + configuration(broker_users())


if __name__ == "__main__":
    TARGET.write_text(build())
