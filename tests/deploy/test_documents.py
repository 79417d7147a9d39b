"""The documents: every command they show exists and is accepted, every link leads somewhere."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from chassis.settings import load

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("services/*/README.md"),
        *ROOT.glob("sandbox/*/README.md"),
    )
)
FENCE = re.compile(r"```(?:sh|bash)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#:]+)(?:#[^)]*)?\)")


def commands() -> list[tuple[str, str]]:
    """List (document, command) of every shell block, comments left out, continuations joined."""
    found = []
    for document in DOCUMENTS:
        for block in FENCE.findall(document.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                command = line.split("  #")[0].strip().removeprefix("$ ")
                if command and not command.startswith("#"):
                    found.append((str(document.relative_to(ROOT)), command))
    return found


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def accepts_flags(program: tuple[str, ...], words: list[str]) -> None:
    """Each flag of a command is one that the program's help names."""
    verbs = []
    for word in words:
        if not re.fullmatch(r"[a-z]+(-[a-z]+)*", word):
            break
        verbs.append(word)
    done = run(*program, *verbs, "--help")
    assert done.returncode == 0, done.stderr
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    for flag in (word.split("=")[0] for word in words if word.startswith("--")):
        assert flag in plain, f"{flag} is not in the help of {' '.join((*program, *verbs))}"


@pytest.mark.parametrize(("document", "command"), commands())
def test_a_documented_command_is_accepted(document: str, command: str) -> None:
    program, *words = shlex.split(command)
    environment = [program]
    while re.fullmatch(r"[A-Z_]+=.*", environment[0]):
        environment = [words.pop(0)]
    program = environment[0]
    match program:
        case "make":
            done = run("make", "--dry-run", *words)
            assert done.returncode == 0, done.stderr
        case "sinyal":
            accepts_flags((sys.executable, "-m", "cli"), words)
        case "python" | "python3" | ".venv/bin/python":
            accepts_flags_of_module(words)
        case "docker":
            assert words[0] in ("compose", "build")
        case "curl" | "cp" | "kill":
            assert words
        case _:
            pytest.fail(f"{document} shows {program}, which no test knows")


def test_make_passes_paths_with_spaces_on_whole() -> None:
    done = run(
        "make", "--no-print-directory", "--dry-run", "demo", "TAPE=my tapes/gold.csv", "JSON=my demo.json", "SECONDS=5"
    )
    words = shlex.split(done.stdout.strip().splitlines()[-1])
    assert words[1:] == ["demo", "--tape", "my tapes/gold.csv", "--seconds", "5", "--json", "my demo.json"]


def accepts_flags_of_module(words: list[str]) -> None:
    if words[0] == "-m" and words[1].split(".")[0] in ("services", "chassis"):
        assert importlib.util.find_spec(words[1]) is not None
    elif words[0] == "-m" and words[1] != "pytest":
        accepts_flags((sys.executable, *words[:2]), words[2:])
    else:
        assert words[0] == "-m" or (ROOT / words[0]).exists()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_every_room_tells_the_same_six_things() -> None:
    for room in ("feed", "signals", "positions", "charts", "telegram"):
        text = (ROOT / "services" / room / "README.md").read_text()
        for heading in ("Owns", "Hears", "Says", "Keeps", "Settings", "When it hurts"):
            assert heading in text, f"{room} does not tell: {heading}"
        assert len(text.splitlines()) <= 60


def example_builder():
    spec = importlib.util.spec_from_file_location("env_example", ROOT / "deploy" / "env_example.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_environment_is_what_the_settings_say() -> None:
    assert (ROOT / ".env.example").read_text() == example_builder().build()


def test_nothing_names_a_package_registry() -> None:
    for path in (*ROOT.glob("requirements/*.txt"), ROOT / "pyproject.toml", ROOT / "Dockerfile"):
        assert not re.search(r"index-url|pythonhosted|pypi\.org", path.read_text()), path


@pytest.mark.parametrize("room", ["feed", "signals", "positions", "charts", "telegram"])
def test_a_copied_example_environment_gives_every_room_its_defaults(
    room: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("SINYAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SINYAL_TELEGRAM_TOKEN", "1000000001:SANDBOX-sandbox-SANDBOX-sandbox-001")
    monkeypatch.setenv("SINYAL_DATABASE_URL", "postgresql://127.0.0.1/sinyal")
    kind = example_builder().settings_of(room)
    monkeypatch.chdir(tmp_path)
    bare = load(room, kind)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")

    assert load(room, kind) == bare
