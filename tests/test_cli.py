"""The root command: what leaves with which code, on which stream."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from conftest import ending, eventually

from stockops import render
from stockops.cli import numbers, options, paths
from stockops.cli.main import NOUNS, Root
from stockops.errors import (
    Busy,
    ConfigError,
    Finding,
    Refused,
    StockopsError,
    Unreachable,
    Unsupported,
)
from stockops.passwords import Secret
from stockops.plan import Consent
from stockops.targets import Target


def stockops(*args: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "stockops", *args],
        capture_output=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


def run(command: click.Command, *args: str) -> Result:
    root = Root(name="stockops")
    root.add_command(command)
    root.get_command = lambda _ctx, _name: command  # type: ignore[method-assign, assignment]
    return CliRunner().invoke(root, ["it", *args])


def raising(exc: BaseException) -> click.Command:
    @click.command("it")
    def it() -> None:
        raise exc

    return it


def test_help_names_every_noun() -> None:
    done = stockops("--help")
    assert done.returncode == 0
    for noun in NOUNS:
        assert f"\n  {noun} " in done.stdout.decode()
    assert stockops("-h").stdout == done.stdout


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    """What is imported is the same on every machine; how long it takes is for the bench."""
    asked = (
        "import sys; from stockops.cli import main; main(['--help'], standalone_mode=False);"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True)
    heavy = {"psycopg", "pymysql", "faker", "jinja2", "rich", "hdrh", "multiprocessing", "yaml"}
    assert set(done.stderr.decode().split()) & heavy == set()


def test_help_loads_no_driver() -> None:
    code = (
        "import sys\nfrom stockops.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'psycopg', 'pymysql', 'yaml', 'faker', 'jinja2', 'rich', 'tabulate'}"
        " & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr.decode().strip() == "[]"


def test_the_version() -> None:
    done = stockops("--version")
    assert done.stdout.startswith(b"stockops, version ")


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_has_help(noun: str) -> None:
    done = stockops(noun, "--help")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("exc", "code"),
    [
        (Finding("it was found"), 1),
        (ConfigError("it was found"), 2),
        (Unreachable("it was found"), 3),
        (Unsupported("it was found"), 4),
        (Refused("it was found"), 5),
        (Busy("it was found"), 6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_has_its_own_code(exc: StockopsError, code: int) -> None:
    exc.hint = "Do this next."
    result = run(raising(exc))
    assert result.exit_code == code
    assert result.stderr == "error: it was found\nhint: Do this next.\n"
    assert result.stdout == ""


def test_an_interruption_is_no_bug() -> None:
    result = run(raising(KeyboardInterrupt()))
    assert (result.exit_code, result.stderr.strip()) == (130, "error: interrupted")


def test_what_nobody_foresaw_is_a_bug() -> None:
    result = run(raising(ZeroDivisionError("deep inside")))
    assert result.exit_code == 70
    assert "ZeroDivisionError: deep inside" in result.stderr
    assert "error: this is a bug in stockops" in result.stderr


@pytest.mark.parametrize(
    "args",
    [["--nonsense"], ["nonsense"], ["lab", "status", "--format", "xml"], ["lab", "nonsense"]],
    ids=" ".join,
)
def test_a_wrong_word_is_a_usage_error(args: list[str]) -> None:
    done = stockops(*args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Try 'stockops" in done.stderr


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "cp949"},
    ],
    ids=["ascii", "cp949"],
)
def test_a_terminal_that_cannot_show_it_all(environment: dict[str, str]) -> None:
    done = stockops("migrate", "status", "-t", "삼성전자😀", **environment)
    assert done.returncode == 2
    assert b"error: no target is called" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("args", [["--help"], ["lab", "status"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_fault(args: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "stockops", *args],
            stdout=write,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("args", [["--help"], ["lab", "status"]], ids=" ".join)
def test_an_answer_that_has_no_room_is_told(args: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "stockops", *args],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        b"error: no room for what this command writes: no space left on device"
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (options.WHOLE, ["-9223372036854775808", "0"], ["9223372036854775808", "1.5"]),
        (options.DAY, ["2025-01-02"], ["0001-01-01", "9999-12-31", "2025-02-30"]),
    ],
    ids=["whole", "day"],
)
def test_a_value_that_nothing_can_count_with_is_refused(
    kind: "click.ParamType[Any]", good: list[str], bad: list[str]
) -> None:
    for text in good:
        kind.convert(text, None, None)
    for text in bad:
        with pytest.raises(click.BadParameter):
            kind.convert(text, None, None)


def test_ctrl_c_ends_a_command_with_130(tmp_path: Path) -> None:
    script = (
        "import time, click\nfrom stockops.cli.main import Root\n"
        "@click.command('it')\n"
        "def it():\n    print('here', flush=True)\n    time.sleep(60)\n"
        "root = Root(name='stockops')\nroot.get_command = lambda *_: it\nroot(['it'])\n"
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child,
        ending(child),
    ):
        assert child.stdout
        assert child.stderr
        child.stdout.readline()
        child.send_signal(signal.SIGINT)
        eventually(lambda: child.poll() is not None)
        assert (child.returncode, child.stderr.read().strip()) == (130, b"error: interrupted")


def asking() -> click.Command:
    @click.command("it")
    @options.target
    @options.form
    @options.plan_only
    @options.consent
    @options.seconds("--longer-than", default=1.5, help="How long.")
    def it(
        target: Target, form: str, plan_only: bool, consent: Consent, longer_than_s: float
    ) -> None:
        click.echo(f"{target.name} {form} {plan_only} {consent} {longer_than_s}")

    return it


def test_the_shared_options(tmp_path: Path) -> None:
    file = tmp_path / "stockops.yaml"
    file.write_text("default: prod\ntargets: {prod: {url: 'postgresql://h/d'}}\n")
    result = run(asking(), "--config", str(file))
    assert result.stdout == "prod table False Consent(yes=False, meant=None) 1.5\n"
    result = run(
        asking(), "-t", "mariadb://h/d", "--format", "json", "--plan", "--yes",
        "--i-mean", "prod", "--longer-than", "0", "--config", str(file),
    )  # fmt: skip
    assert result.stdout == "mariadb://h/d json True Consent(yes=True, meant='prod') 0.0\n"


def test_a_target_that_cannot_be(tmp_path: Path) -> None:
    result = run(asking(), "-t", "postgresql://u:hunter2@h/d")
    assert result.exit_code == 2
    assert "hunter2" not in result.output
    result = run(asking(), "--config", str(tmp_path / "none.yaml"))
    assert (result.exit_code, "none.yaml" in result.stderr) == (2, True)
    assert run(asking(), "-t", "no-such-target").exit_code == 2


def test_the_example_of_a_file_of_targets_is_read() -> None:
    from stockops import resources, targets

    config = targets.load(resources.folder("ops") / "stockops.yaml")
    assert config.targets["prod"].protected
    assert set(config.targets) == {"lab", "labmy", "prod", "prodmy", "local", "localmy"}


@dataclass(frozen=True, slots=True)
class Line:
    code: str
    name: str | None
    price_won: int
    at: datetime | None = None
    on: date = date(2025, 1, 2)
    ratio: Decimal = Decimal("1.50")
    open: bool = True
    secret: Secret | None = None


def test_a_table_lines_up_wide_letters() -> None:
    lines = [
        Line("005930", "삼성전자", 53_400),
        Line("000660", "SK hynix", 7),
        Line("1E1", None, 0),
    ]
    table = render.rows(lines, "table").splitlines()
    assert table[2].split()[:3] == ["005930", "삼성전자", "53400"]
    assert table[4].split()[:3] == ["1E1", "-", "0"]
    from wcwidth import wcswidth

    starts = {wcswidth(line[: line.index(" 2025-01-02")]) for line in table[2:]}
    assert len(starts) == 1


def test_json_is_exact_and_plain() -> None:
    line = Line(
        "005930", "삼성전자", 2**62, at=datetime(2025, 1, 2, tzinfo=UTC), secret=Secret("x")
    )
    text = render.rows([line], "json")
    assert text.isascii()
    assert json.loads(text) == [
        {
            "code": "005930",
            "name": "삼성전자",
            "price_won": 2**62,
            "at": "2025-01-02T00:00:00+00:00",
            "on": "2025-01-02",
            "ratio": "1.50",
            "open": True,
            "secret": "***",
        }
    ]


def test_nothing_is_rendered_as_nothing() -> None:
    assert render.rows([], "table") == "(none)"
    assert json.loads(render.rows([], "json")) == []


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", "1e300"])
def test_no_option_takes_a_number_that_none_is_above(value: str) -> None:
    """``--max-worse nan`` found nothing worse, whatever had become so."""
    late = options.seconds("--behind", default=1.0, help="So long.")
    command = click.command("it")(late(lambda behind_s: None))
    done = run(command, "--behind", value)
    assert done.exit_code == 2
    said = f"'{value}' is no number to count with: give 0 or more, at most 1,000,000,000."
    assert said in done.output
    used = Path(numbers.__file__).parent
    plain = [each.name for each in used.glob("*.py") if "click.FloatRange(" in each.read_text()]
    assert plain == []


def test_no_server_is_asked_to_wait_for_longer_than_it_can() -> None:
    for words in (
        ["slow", "explain", "--sql", "-", "--timeout", "2147484"],
        ["partitions", "apply", "--lock-timeout", "1e9"],
        ["migrate", "up", "--lock-timeout", "2147484"],
    ):
        said = CliRunner().invoke(Root(), [*words, "-t", "postgresql://nobody@127.0.0.1:1/none"])
        assert said.exit_code == 2, words
        assert "give 0 or more, at most 2,147,483." in said.stderr


def test_an_empty_path_is_not_the_working_directory() -> None:
    for words in (
        ["backup", "audit", ""],
        ["trade", "audit", "", "-t", "postgresql://nobody@localhost/none"],
        ["slow", "compare", "", "b.json"],
    ):
        said = CliRunner().invoke(Root(), words)
        assert (said.exit_code, "it is empty" in said.stderr) == (2, True), words
    used = Path(paths.__file__)
    plain = [
        each.name
        for each in used.parent.glob("*.py")
        if each != used and "click.Path(" in each.read_text("utf-8")
    ]
    assert plain == []
