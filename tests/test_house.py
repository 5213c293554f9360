"""The rules of docs/style.md that a test can check."""

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import api.kernel.wire.server
from api.features import FEATURES
from api.kernel import errors
from api.kernel.errors import Problem
from api.kernel.feature import settings_of
from api.kernel.settings import SettingsError, load
from tests import variables_table
from tests.collecting import LONGEST, MEASURED

ROOT = Path(__file__).parents[1]
OURS = [path for folder in ("api", "worker", "migrations", "dev", "tests") for path in (ROOT / folder).rglob("*.py")]
FEATURE_FOLDERS = {
    path.name for path in (ROOT / "api").iterdir() if path.is_dir() and path.name not in ("kernel", "__pycache__")
}
# Set by a PaaS, or read by OpenTelemetry's SDK; they do not belong in a .env.
FROM_ELSEWHERE = {"HEROKU_SLUG_COMMIT", "RENDER_GIT_COMMIT", "RAILWAY_GIT_COMMIT_SHA", "GIT_REV"}


def tracked() -> Iterator[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            yield ROOT / name


def sizes(lengths: dict[str, int], median: int, most_of_them: int, longest: int) -> list[str]:
    """Return violations of a rule of size: by the median, by the 90th percentile, and each above the maximum."""
    counted = sorted(lengths.values())
    middle, ninth = statistics.median(counted), statistics.quantiles(counted, n=10)[8]
    faults = [f"the median is {middle:.0f} lines, above {median}"] if middle > median else []
    faults += [f"the 90th percentile is {ninth:.0f} lines, above {most_of_them}"] if ninth > most_of_them else []
    return faults + [f"{name} has {lines} lines, above {longest}" for name, lines in lengths.items() if lines > longest]


def test_files_are_short() -> None:
    """Half of them have at most 150 lines, nine tenths at most 300, all at most 400."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in OURS}
    assert sizes(lengths, 150, 300, 400) == []


def test_the_tests_that_run_first_and_those_that_measure_coverage_exist() -> None:
    tests = [str(path.relative_to(ROOT)) for path in OURS if path.name.startswith("test_")]
    names = (*LONGEST, *MEASURED)
    assert [name for name in names if not any(test.startswith(name) for test in tests)] == []


def test_no_test_imports_the_examples_of_a_feature() -> None:
    """They and tests/examples.py import each other: depending on which is first, rows are missing."""
    imports = re.compile(r"^from tests\.\w+(\.examples import| import examples$)", re.MULTILINE)
    tests = (path for path in (ROOT / "tests").rglob("*.py") if path.name != "test_house.py")
    assert [path.name for path in tests if imports.search(path.read_text())] == []


def test_plans_are_read_in_one_place() -> None:
    """It refuses the database that tests share, whose dead rows change plans from run to run."""
    explaining = {path.name for path in (ROOT / "tests").rglob("*.py") if re.search(r"explain \(", path.read_text())}
    assert explaining == {"query_plans.py"}


def test_handlers_are_short() -> None:
    """Half of them have at most 12 lines, nine tenths at most 30, all at most 50."""
    lengths = {}
    for feature in FEATURES:
        for route in feature.routes:
            code = route.handler.__code__
            last = max(line for *_, line in code.co_lines() if line)
            lengths[f"{code.co_filename}:{code.co_firstlineno}"] = last - code.co_firstlineno + 1
    assert sizes(lengths, 12, 30, 50) == []


def test_a_rule_of_size_reports_violations() -> None:
    few = {str(number): number for number in range(1, 11)}
    assert sizes(few, 6, 10, 10) == []
    assert sizes(few, 5, 9, 9) == [
        "the median is 6 lines, above 5",
        "the 90th percentile is 10 lines, above 9",
        "10 has 10 lines, above 9",
    ]


def test_the_kernel_names_no_feature() -> None:
    """The kernel serves any feature, so it must not name one (User-Agent is HTTP's)."""
    word = re.compile(r"(?i)\b(users?|sessions?)\b(?![-_]agent)")
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted((ROOT / "api/kernel").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if word.search(line)
    ]
    assert found == []


def test_every_folder_is_a_feature_with_the_same_noun_everywhere() -> None:
    assert {feature.name for feature in FEATURES} == FEATURE_FOLDERS
    with_queries = {name for name in FEATURE_FOLDERS if (ROOT / "api" / name / "queries.py").exists()}
    assert {path.name for path in (ROOT / "sql").iterdir()} - {"kernel", "worker"} == with_queries
    for name in FEATURE_FOLDERS:
        assert list((ROOT / "tests" / name).glob("test_*.py")), f"tests/{name} has no tests"


def test_handlers_and_sweeps_have_one_home_in_every_feature() -> None:
    """Handlers: routes.py, or a file of handlers/ where there are several groups. Sweeps: upkeep.py."""
    home = re.compile(r"routes|handlers\.\w+")
    elsewhere = [
        f"{route.handler.__module__}.{route.handler.__name__}: move it to api/{feature.name}/handlers/"
        for feature in FEATURES
        for route in feature.routes
        if not home.fullmatch(route.handler.__module__.removeprefix(f"api.{feature.name}."))
    ]
    for feature in FEATURES:
        upkeep = sys.modules.get(f"api.{feature.name}.upkeep")
        if list(feature.sweeps) != getattr(upkeep, "sweeps", []):
            elsewhere.append(f"{feature.name}: list its sweeps in `sweeps` of api/{feature.name}/upkeep.py")
    assert elsewhere == []


def test_features_import_the_vocabulary() -> None:
    """import-linter checks those that pyproject.toml names, with their exceptions; the others have none."""
    listed = re.search(
        r"^source_modules = \[(.*\"api\.users\".*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert listed
    deeper = re.compile(r"^\s*(?:from|import) (api\.kernel\.\S+)", re.MULTILINE)
    found = [
        f"{path.relative_to(ROOT)}: import from api.kernel, and not from {name}"
        for feature in sorted(FEATURE_FOLDERS - set(re.findall(r"api\.(\w+)", listed[1])))
        for path in (ROOT / "api" / feature).rglob("*.py")
        for name in deeper.findall(path.read_text())
    ]
    assert found == []


def test_no_module_has_a_catch_all_name() -> None:
    drawers = {"utils", "common", "core", "base", "helpers", "misc"}
    assert [path for path in OURS if drawers & {path.stem, path.parent.name}] == []


def test_no_merge_was_left_unfinished() -> None:
    mark = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
    assert [path for path in tracked() if mark.search(path.read_text(errors="replace"))] == []


def long_prose(text: str) -> list[int]:
    """Return the numbers of lines of prose above 100 columns. Tables, code, headings, generated parts, and lines of
    one word or link may be longer."""
    found, fenced, generated = [], False, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<!-- python -m", "<!-- table", "<!-- From here on")):
            generated = True
        elif line.startswith("<!-- end"):
            generated = False
        elif line.lstrip().startswith("```"):
            fenced = not fenced
        unbreakable = re.fullmatch(r"\s*([-*] )?(\S+|!?\[[^]]*\]\(\S+\)[.,;:]?)", line)
        exempt = fenced or generated or unbreakable or line.startswith(("|", "#", "    ", "<!--"))
        if len(line) > 100 and not exempt:
            found.append(number)
    return found


def test_markdown_is_wrapped() -> None:
    """Prose has at most 100 columns."""
    pages = [path for path in tracked() if path.suffix == ".md"]
    faults = [f"{path.relative_to(ROOT)}:{number}" for path in pages for number in long_prose(path.read_text("utf-8"))]
    assert faults == []


def test_long_prose_is_distinguished_from_tables_and_code() -> None:
    long = "a " * 60
    allowed = f"| {long} |\n    {long}\n```\n{long}\n```\n<!-- python -m x -->\n{long}\n<!-- end -->\n[{long}](x)\n"
    assert long_prose(allowed) == []
    assert long_prose(f"short\n{long}\n- {long}\n") == [2, 3]


def test_the_map_has_every_file_of_the_kernel() -> None:
    """docs/architecture.md has a row for each file, below the row of its room."""
    section = (ROOT / "docs/architecture.md").read_text().partition("## The kernel\n")[2].partition("\n## ")[0]
    rooms, mapped = re.split(r"^\| \*\*`(\w+)/`\*\*", section, flags=re.MULTILINE), set()
    for room, rows in zip(["", *rooms[1::2]], rooms[::2], strict=True):
        mapped |= {f"{room}/{name}".lstrip("/") for name in re.findall(r"^\| `(\w+\.py)` \|", rows, re.MULTILINE)}
    kernel = ROOT / "api/kernel"
    there = {path.relative_to(kernel).as_posix() for path in kernel.rglob("*.py")}
    packages = {name for name in there if name.endswith("__init__.py")}
    assert mapped | packages == there | packages


def test_committed_files_name_no_machine() -> None:
    hosts = "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "npmjs" + r"\.org"])
    paths = "|".join(["/ro" + "ot/", "/wo" + "rk/", "/ho" + "me/[a-z]", "/Us" + "ers/[a-z]"])
    mine = re.compile(rf"({hosts})|(?<![\w./-])({paths})")
    found = []
    for path in tracked():
        text = path.read_text("utf-8", "ignore")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in mine.finditer(text)]
    assert found == []


def read_variables() -> set[str]:
    """Return every variable that `load` reads."""
    asked: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
            asked.add(name)
            return super().get(name, default)

    with pytest.raises(SettingsError):
        load(Asked(), settings_of(FEATURES))
    return asked - FROM_ELSEWHERE


def test_variables_and_their_documentation_match() -> None:
    operations = (ROOT / "docs/operations.md").read_text()
    told = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", operations, re.MULTILINE))
    assert {name for name in told if not name.startswith("OTEL_")} == read_variables()
    assert all(name in operations for name in FROM_ELSEWHERE)


def test_the_example_environment_has_every_variable() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", example, re.MULTILINE)) == read_variables()


def test_the_features_variables_are_documented_as_they_are_declared() -> None:
    """C-310."""
    kinds = settings_of(FEATURES)
    stale = "run: make variables"
    document, example = variables_table.DOCUMENT.read_text(), variables_table.EXAMPLE.read_text()
    table, lines = variables_table.table(kinds), variables_table.examples(kinds)
    assert document == variables_table.written(document, variables_table.BEGIN, variables_table.END, table), stale
    assert example == variables_table.written(example, variables_table.EXAMPLE_BEGIN, "", lines), stale


def test_tests_of_faults_exist() -> None:
    """Each test and experiment of docs/reliability.md's last table exists."""
    table = (ROOT / "docs/reliability.md").read_text().partition("## Which test shows which fault")[2]
    rows = re.findall(r"^\| (F-\d+) [^|]*\| ([^|]*) \|", table, re.MULTILINE)
    numbers = [int(fault.removeprefix("F-")) for fault, _ in rows]
    assert numbers == sorted(set(numbers))
    assert numbers[:38] == [*range(1, 39)]
    tried = set(re.findall(r'Experiment\(\s*"(F-\d+)"', (ROOT / "tests/faults/experiments.py").read_text()))
    assert {fault for fault, shown in rows if "experiment" in shown} == tried
    for file, test in re.findall(r"`([\w/]+\.py)::(\w+)`", table):
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"


def test_every_code_is_documented_or_belongs_to_the_kernel() -> None:
    documented = set()
    for item in json.loads((ROOT / "docs/openapi.json").read_text())["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                documented |= response.get("content", {}).get("application/problem+json", {}).get("examples", {}).keys()
    made = {
        value.code
        for name, module in sys.modules.items()
        if name.split(".")[0] == "api"
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Problem) and value is not Problem
    }
    kernels = {value.code for value in vars(errors).values() if isinstance(value, type) and hasattr(value, "code")}
    elsewhere = {api.kernel.wire.server.HEAD_TOO_LARGE.code}  # before any route is known
    assert made - documented - kernels - elsewhere == set()
    assert documented - made - kernels == set()
