"""Texts are plain technical English: a short list of words that the project's style does not use (docs/style.md)."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("api", "benchmarks", "dev", "docs", "sql", "tests", "web", "worker")
QUAINT = re.compile(
    r"(?i)\b("
    r"who(?:m|so)?ever|nobody|somebody|anybody|everybody|ones? who|no one who"
    r"|(?:is|are) let be|that it is really|mend(?:s|ed|ing)?|told|said"
    r"|what is [^.,;:?|]+ is|what was [^.,;:?|]+ (?:is|was)"
    r")\b"
)
# Data, and texts of others: common passwords, generated documents (their texts are in the code), and this list.
EXCEPT = {
    "tests/users/common_passwords.txt",
    "docs/openapi.json",
    "docs/asyncapi.json",
    "tests/test_register.py",
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a file with their line numbers. Texts of Python are docstrings, comments, the names of tests,
    and strings of three words or more, without code."""
    if path.suffix == ".py":
        yield from python_texts(path.read_text("utf-8"))
    elif path.suffix == ".md":
        yield from markdown_texts(path.read_text("utf-8"))
    elif path.suffix == ".sql":
        lines = enumerate(path.read_text("utf-8").splitlines(), 1)
        yield from ((number, line.partition("--")[2]) for number, line in lines)
    elif path.suffix in (".html", ".txt", ".js", ".yaml"):
        yield from enumerate(path.read_text("utf-8").splitlines(), 1)


def python_texts(content: str) -> Iterator[tuple[int, str]]:
    tree = ast.parse(content)
    alone = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (node in alone or is_prose(node.value)):
            yield from enumerate(node.value.splitlines(), node.lineno)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.lineno, node.name.replace("_", " ")
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def is_prose(text: str) -> bool:
    """Return whether the string is a sentence, not SQL, a program, or data."""
    code = re.search(r"(?i)\b(select|insert into|update \w+ set|import|async def)\b|\w\(\w*\)|[{}<>=]{2}|://", text)
    return len(text.split()) > 2 and not code


def markdown_texts(content: str) -> Iterator[tuple[int, str]]:
    fenced = False
    for number, line in enumerate(content.splitlines(), 1):
        fenced ^= line.lstrip().startswith("```")
        if not fenced and not line.startswith("    "):
            yield number, line


def faults(path: Path) -> list[str]:
    """Return the quaint words of a file; words in backticks are names."""
    return [
        f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name}:{number}: “{word[0]}” is not plain"
        " technical English: name the actor, or use the field's usual word (docs/style.md)"
        for number, text in texts(path)
        for word in QUAINT.finditer(re.sub(r"`[^`]*`", "``", text))
    ]


def test_texts_are_plain_english() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *FOLDERS, "*.md"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    paths = [ROOT / name for name in sorted({*filter(None, names)} - EXCEPT) if (ROOT / name).is_file()]
    assert [fault for path in paths for fault in faults(path)] == []


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.py", '"""Whoever asks."""\n', ["Whoever"]),
        ("a.py", "x = 1  # nobody knows\n", ["nobody"]),
        ("a.py", "def test_the_owner_is_told() -> None: ...\n", ["told"]),
        ("a.py", 'assert x, "the key is mended"\n', ["mended"]),
        ("a.py", 'told = "said"\nuser = "nobody"\n"""Runs as `nobody`."""\n', []),
        ("a.md", "What is missing is made.\n\n    told.show()\n\n```\nsaid\n```\n", ["What is missing is"]),
        ("a.sql", "-- Somebody's.\nselect told from said;\n", ["Somebody"]),
    ],
)
def test_quaint_words_are_found_in_texts_only(name: str, content: str, found: list[str], tmp_path: Path) -> None:
    (path := tmp_path / name).write_text(content)
    assert [re.findall("“(.*?)”", fault)[0] for fault in faults(path)] == found
