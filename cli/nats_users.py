"""`sinyal nats-users`: a key pair for each user of the broker. The server gets the public halves alone."""

import os
from pathlib import Path

import nkeys
import typer

from chassis.broker_users import USERS, key_variable, seed_setting
from chassis.errors import StartError

KEYS = "keys.conf"


def nats_users(
    folder: Path = typer.Option(Path(".sinyal/nats"), help="Where the seeds lie, one file each."),
    keys: Path | None = typer.Option(None, help="The server's file of public keys. [default: keys.conf beside them]"),
    dotenv: bool = typer.Option(False, "--dotenv", help="Print the seeds as lines for .env: secrets."),
) -> None:
    """Make what is missing: a seed for each user of the broker, and the server's file of their public keys.

    A file is named as the setting that it answers, so that SINYAL_SECRETS may point to its folder. To change a seed,
    delete its file, run this again, and let the server read its configuration anew.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        seeds = {name: _seed(folder / seed_setting(name).lower()) for name in USERS}
        public = {name: _public_key(seed, folder / seed_setting(name).lower()) for name, seed in seeds.items()}
        target = keys or folder / KEYS
        target.write_text("".join(f'{key_variable(name)}: "{key}"\n' for name, key in public.items()))
    except OSError as e:
        raise StartError(f"{e.filename}: {e.strerror}") from e
    for name, key in public.items():
        print(f"{seed_setting(name)}={seeds[name]}" if dotenv else f"{name:<12} {key}")
    if not dotenv:
        print(f"seeds in {folder}, public keys in {target}")


def _seed(file: Path) -> str:
    """Read a seed, or make one that only its owner may read."""
    if not file.exists():
        made = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(made)
    return file.read_text().strip()


def _public_key(seed: str, file: Path) -> str:
    """Tell the public half.

    Raises:
        StartError: it is no seed of a user.
    """
    try:
        key = bytes(nkeys.from_seed(bytearray(seed.encode())).public_key).decode()
    except (nkeys.NkeysError, ValueError) as e:
        raise StartError(f"{file}: holds no seed; delete it to have another made") from e
    if not key.startswith("U"):
        raise StartError(f"{file}: holds the seed of something else than a user; delete it to have another made")
    return key
