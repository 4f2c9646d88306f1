"""Where tools come from: files, installed packages (real ones, made here), commands and addresses, a TOML file."""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from banchu.agents.tools import McpServer, Tool, ToolBox, from_mcp, from_spec, from_toml, opened
from banchu.agents.tools.sources import Source, installed
from banchu.core.errors import ConfigError

FILE = '''
from langchain_core.tools import tool as langchain_tool
from banchu.agents.tools import McpServer, tool

@tool
def one(a: int) -> int:
    """One."""
    return a

@tool(oracle=True, max_calls=2)
def two(a: int) -> int:
    """Two."""
    return 2 * a

@langchain_tool
def theirs(a: int) -> int:
    """Theirs."""
    return 3 * a

several = [one, (two, theirs)]

def make():
    return [one, theirs]

def make_with_default(folder="."):
    return two

def plain(a: int) -> int:
    """Plain."""
    return a

def fails():
    raise RuntimeError("no\\nfolder")

def gives_text():
    return "text"

async def later():
    return one

def leaves():
    raise SystemExit(3)

number = 3
empty = []
mixed = [one, 3]
functions = [one, plain]
server = McpServer(["program", "--flag"])
'''
SERVER = Path(__file__).parent / "server.py"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def names(sources: list[Source]) -> list[str]:
    return [source.name for source in sources]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("one", ["one"]),
        ("theirs", ["theirs"]),
        ("several", ["one", "two", "theirs"]),
        ("make", ["one", "theirs"]),
        ("make_with_default", ["two"]),
        ("server", ["program --flag"]),
    ],
)
def test_a_file_gives_a_tool_or_several_or_what_makes_them(file: Path, name: str, found: list[str]) -> None:
    assert names(from_spec(f"{file}:{name}")) == found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("number", "--tools .*mine.py:number is no tool, it is 3; use a function with @tool above it"),
        ("mixed", "is no tool, it is 3"),
        ("functions", "is no tool, it is <function plain .*put @tool above a function"),
        ("plain", r"mine.py:plain is a plain function; put @tool above it \(from banchu.agents.tools import tool\)"),
        ("later", "is a plain function"),
        ("fails", "cannot be made: RuntimeError: no folder"),
        ("leaves", "cannot be made: SystemExit: 3"),
        ("empty", r"is no tool, it is \[\]"),
        ("gives_text", "is no tool, it is 'text'"),
        ("tow", "unknown name in .*'tow'. Did you mean 'two'"),
    ],
)
def test_what_is_no_tool_is_refused_with_the_reason(file: Path, name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        from_spec(f"{file}:{name}")


def test_a_file_that_is_not_there_or_does_not_load(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--tools .*none.py:x: there is no such file"):
        from_spec(f"{tmp_path}/none.py:x")
    broken = tmp_path / "broken.py"
    broken.write_text("from banchu.agents.tools import tool\n@tool\ndef f(a): ...\n")
    with pytest.raises(ConfigError, match=r"cannot be loaded: ConfigError: tool 'f' has no docstring"):
        from_spec(f"{broken}:f")
    broken.write_text("import sys\nsys.exit('needs a key')\n")  # else the command would end without a word
    with pytest.raises(ConfigError, match=r"cannot be loaded: SystemExit: needs a key"):
        from_spec(f"{broken}:f")
    with pytest.raises(ConfigError, match=r"--tools ~nobody-here/a.py:f: there is no such file"):
        from_spec("~nobody-here/a.py:f")


# Installed packages


@pytest.fixture
def package(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution as pip leaves it, on the path."""
    folder = file.parent
    info = folder / "their_tools-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-tools\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[banchu.tools]\nboth = mine:several\nmaker = mine:make\ngone = mine:nobody\nlost = no_module:x\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    yield
    sys.modules.pop("mine", None)


@pytest.mark.usefixtures("package")
def test_an_installed_package_offers_tools() -> None:
    assert {"both", "maker", "gone", "lost"} <= set(installed())
    assert names(from_spec("both")) == ["one", "two", "theirs"]
    assert names(from_spec("maker")) == ["one", "theirs"]
    with pytest.raises(ConfigError, match=r"entry point 'gone' of banchu.tools \(mine:nobody\) cannot be loaded: Attr"):
        from_spec("gone")
    with pytest.raises(
        ConfigError, match=r"'lost' .* cannot be loaded: ModuleNotFoundError: .*; reinstall its package"
    ):
        from_spec("lost")
    with pytest.raises(ConfigError, match=r"unknown tool 'bot'. Did you mean 'both'\?"):
        from_spec("bot")


# Commands and addresses


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("uvx 'a b' --c", "uvx a b --c"),
        ("http://127.0.0.1:1/mcp", "http://127.0.0.1:1/mcp"),
        ("https://me:secret@host/mcp?key=secret", "https://host/mcp"),
    ],
)
def test_a_server_by_its_command_or_address(words: str, name: str) -> None:
    assert from_mcp(words).name == name


@pytest.mark.parametrize(("words", "said"), [("", "--mcp names no program"), ("a 'b", "cannot be read")])
def test_a_command_that_is_none(words: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        from_mcp(words)


# TOML


def write(folder: Path, text: str) -> Path:
    path = folder / "tools.toml"
    path.write_text(text)
    return path


async def test_a_toml_file_with_all_of_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "from outside")
    command = shlex.join([sys.executable, str(SERVER)])
    path = write(
        file.parent,
        f"""
        [tools.mine]
        from = "mine.py:several"
        timeout_s = 7
        max_characters = 500
        stateless = true
        [mcp.small]
        command = '''{command}'''
        only = ["add", "environment"]
        prefix = "s_"
        oracle = true
        stateless = true
        timeout_s = 9
        env = {{ A = "$OURS", B = "as it is" }}
        [limits]
        max_calls = 4
        """,
    )
    found = from_toml(path)
    assert (found.limits.max_calls, found.limits.max_s) == (4, 300.0)
    async with opened(found.sources) as tools:
        assert [tool.name for tool in tools] == ["one", "two", "theirs", "s_add", "s_environment"]
        assert [tool.oracle for tool in tools] == [False, True, False, True, True]
        assert [tool.stateless for tool in tools] == [True, True, True, True, True]
        assert [tool.limits.timeout_s for tool in tools] == [7, 7, 7, 9, 9]
        assert (tools[1].limits.max_calls, tools[1].limits.max_characters) == (
            2,
            500,
        )  # its own stays, where none is said
        box = ToolBox(tools, limits=found.limits)
        assert (await box.call("s_environment", '{"name": "A"}')).text == "from outside"
        assert (await box.call("s_environment", '{"name": "B"}')).text == "as it is"


def test_a_tool_cannot_be_said_to_be_no_oracle(file: Path) -> None:
    (source,) = from_toml(write(file.parent, '[tools.a]\nfrom = "mine.py:two"\noracle = false\n')).sources
    assert isinstance(source, Tool)
    assert source.oracle


def test_a_command_may_be_a_list_and_an_address_may_have_headers(tmp_path: Path) -> None:
    text = '[mcp.a]\ncommand = ["a b", "c"]\n[mcp.b]\nurl = "http://h/mcp"\nheaders = { X = "y" }\n'
    sources = from_toml(write(tmp_path, text)).sources
    assert all(isinstance(source, McpServer) for source in sources)
    assert names(list(sources)) == ["a b c", "http://h/mcp"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tools", "tools.toml is not TOML"),
        ("[tool.a]", "unknown table in .*tools.toml: 'tool'. Did you mean 'tools'?"),
        ("tools = 3", "tools.toml: tools must be a table, not 3"),
        ("[tools]\na = 3", "tools.a must be a table"),
        ("[tools.a]", r"\[tools.a\] lacks `from`; write from = "),
        ("[tools.a]\nfrom = 3", r"\[tools.a\]: from must be a text, not 3"),
        (
            '[tools.a]\nfrom = "mine.py:one"\ntimeout = 3',
            r"unknown key in .*\[tools.a\] 'timeout'. Did you mean 'timeout_s'",
        ),
        ('[tools.a]\nfrom = "mine.py:one"\ntimeout_s = -1', r"\[tools.a\]: a tool's timeout_s -1 must be"),
        ('[tools.a]\nfrom = "mine.py:one"\noracle = "no"', "oracle must be true or false, not 'no'"),
        ('[tools.a]\nfrom = "mine.py:number"', r"\[tools.a\] from = .*mine.py:number is no tool"),
        ('[tools.a]\nfrom = "nothing-of-that-name"', r"\[tools.a\]: unknown tool 'nothing-of-that-name'"),
        ('[tools.a]\nfrom = "mine.py:server"\nmax_calls = 3', "is an MCP server; say its limits where it is made"),
        ("[mcp.a]", r"\[mcp.a\] needs either `command` or `url`"),
        ('[mcp.a]\ncommand = "x"\nurl = "http://x"', "needs either"),
        ('[mcp.a]\nurl = "x"', "url 'x' must begin with http"),
        ('[mcp.a]\nurl = "http://x"\nenv = { A = "b" }', "env does not go with url"),
        ('[mcp.a]\ncommand = "x"\nheaders = { A = "b" }', "headers does not go with command"),
        ('[mcp.a]\ncommand = "x"\nenv = { A = "$NOT_SET_ANYWHERE" }', "env.A takes the variable NOT_SET_ANYWHERE"),
        ('[mcp.a]\ncommand = "x"\nenv = { A = 3 }', "env.A must be a text"),
        ('[mcp.a]\ncommand = "x"\nonly = "add"', "only must be a list of texts"),
        ("[mcp.a]\ncommand = [1]", "command must be a list of texts"),
        ('[mcp.a]\ncommand = "x"\nstart_s = 0', "start_s must be a number of seconds above 0"),
        ('[mcp.a]\ncommand = "x \'"', "cannot be read"),
        ("[limits]\nmax_calls = 0", r"\[limits\]: max_calls 0 of a tool box"),
        ('[limits]\nmax_s = "long"', r"\[limits\]: max_s 'long'"),
        ("[limits]\ncalls = 3", "unknown key in .*'calls'. Did you mean 'max_calls'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(file: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        from_toml(write(file.parent, text))
    assert "tools.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_toml_file_may_begin_with_a_mark_of_its_encoding(file: Path) -> None:
    path = file.parent / "windows.toml"
    path.write_text('[tools.a]\nfrom = "mine.py:one"\n', encoding="utf-8-sig")
    assert names(list(from_toml(path).sources)) == ["one"]


def test_no_such_toml_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tools file .*none.toml: No such file"):
        from_toml(tmp_path / "none.toml")
