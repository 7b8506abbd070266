"""The manual knows every option that the command knows, and no other."""

import functools
import re
import subprocess

import pytest
from harness.processes import ROOT, command_path

MANUAL = ROOT / "man"
OPTION = re.compile(r"^  (--[a-z-]+)", re.MULTILINE)
NAME = re.compile(r"^  -o ([a-z_]+)=", re.MULTILINE)


@functools.cache
def help_of(*command):
    said = subprocess.run(
        [command_path(), "help", *command], capture_output=True, text=True, check=True, timeout=30
    )
    return said.stdout


def page(name):
    return (MANUAL / f"{name}.scd").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["send", "view", "cameras", "pair", "keys"])
def test_manual_page_has_the_commands_options(command):
    known = set(OPTION.findall(help_of(command)))
    described = set(re.findall(r"^\*(--[a-z-]+)\*", page(f"sightline-{command}.1"), re.MULTILINE))
    assert known and known == described


def test_doctor_takes_what_send_takes():
    own = set(OPTION.findall(help_of("doctor"))) - set(OPTION.findall(help_of("send")))
    assert own == {"--json"}
    only_sends = set(OPTION.findall(help_of("send"))) - set(OPTION.findall(help_of("doctor")))
    assert only_sends == {"--join"}  # an invitation is not used up by looking


def test_manual_page_has_every_setting():
    known = set(NAME.findall(help_of("send"))) | set(NAME.findall(help_of("view")))
    described = set(
        re.findall(r"^\*([a-z_]+)\* = ", page("sightline-config.5"), re.MULTILINE)
    )
    assert known and known == described


def test_manual_page_has_every_command():
    known = set(re.findall(r"^  ([a-z]+) ", help_of(), re.MULTILINE))
    described = set(re.findall(r"^\*([a-z]+)\*$", page("sightline.1"), re.MULTILINE))
    assert known and known <= described


def options_in(words):
    return set(re.findall(r"--[a-z][a-z-]+", words))


@pytest.mark.parametrize(
    "document",
    ["docs/CONNECTING.md", "docs/MIGRATION.md", "docs/RECORDING.md", "docs/WEB.md", "docs/ways.svg"],
)
def test_guide_names_what_there_is(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = re.findall(r"^ {4}(?:\w+\$ )?(sightline .*)$", text, re.MULTILINE)
    lines += re.findall(r"[>,`] ?(sightline [^<,`]*)", text)
    assert lines
    for line in lines:
        assert options_in(line) <= set(OPTION.findall(help_of(line.split()[1]))), line
    helps = help_of("send") + help_of("view") + help_of("pair")
    assert set(re.findall(r"`(--[a-z][a-z-]+)", text)) <= set(OPTION.findall(helps))
    assert set(re.findall(r"`(?:-o )?((?:ssh|gate|web)_[a-z_]+)", text)) <= set(NAME.findall(helps))


@pytest.mark.parametrize("end", ["send", "view"])
def test_unit_names_what_there_is(end):
    unit = (ROOT / "packaging" / f"sightline-{end}.service").read_text(encoding="utf-8")
    words = re.search(r"^ExecStart=\S+/sightline (.*(?:\\\n.*)*)$", unit, re.MULTILINE)[1]
    assert words.split()[0] == end
    assert options_in(words) and options_in(words) <= set(OPTION.findall(help_of(end)))
    assert set(re.findall(r"-o ([a-z_]+)=", words)) <= set(NAME.findall(help_of(end)))


@pytest.mark.parametrize(
    "document",
    ["README.md", "SECURITY.md", "docs/CONNECTING.md", "docs/MIGRATION.md", "docs/RECORDING.md",
     "docs/WEB.md"],
)  # fmt: skip
def test_links_lead_somewhere(document):
    page = ROOT / document
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        place = page.parent / path if path else page
        assert place.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", place.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles]


def test_bash_completes_settings():
    script = (
        'source "$1"; COMP_WORDS=("$2" send -o j); COMP_CWORD=3; _sightline;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    completion = ROOT / "packaging" / "completion.bash"
    said = subprocess.run(
        ["bash", "-c", script, "bash", completion, command_path()],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert "jpeg_compression_quality=" in said.stdout.split()
