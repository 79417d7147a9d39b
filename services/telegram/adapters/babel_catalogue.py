"""The catalogues of words, read from gettext files by Babel when the room starts."""

from io import BytesIO
from pathlib import Path

from babel.messages.pofile import PoFileError, read_po

from chassis.errors import StartError
from services.telegram.domain import words
from services.telegram.domain.words import LANGUAGES, Catalogue, Words

FOLDER = Path(words.__file__).parent / "locale"


def load_catalogue(folder: Path = FOLDER) -> Catalogue:
    """Read the words of all languages.

    Raises:
        StartError: a file is missing or broken, or a key has no sentence; names the file.
    """
    return {language: _load(folder / f"{language}.po", language) for language in LANGUAGES}


def _load(file: Path, language: str) -> Words:
    try:
        catalogue = read_po(BytesIO(file.read_bytes()), locale=language, abort_invalid=True)
    except (OSError, PoFileError, ValueError) as e:
        raise StartError(f"{file}: {e}") from e
    texts = {str(message.id): str(message.string) for message in catalogue if message.id}
    if empty := [key for key, text in texts.items() if not text]:
        raise StartError(f"{file}: no sentence for {', '.join(empty)}")
    return Words(language, texts)
