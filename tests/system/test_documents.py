"""The manual knows every option that the command knows, and no other."""

import pathlib
import re
import subprocess

import pytest
from harness.processes import ROOT, command_path

MANUAL = pathlib.Path(ROOT) / "man"
OPTION = re.compile(r"^  (--[a-z-]+)", re.MULTILINE)
NAME = re.compile(r"^  -o ([a-z_]+)=", re.MULTILINE)


def help_of(*command):
    said = subprocess.run(
        [command_path(), "help", *command], capture_output=True, text=True, check=True, timeout=30
    )
    return said.stdout


def page(name):
    return (MANUAL / f"{name}.scd").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["send", "view", "cameras", "pair"])
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


def test_bash_completes_settings():
    script = (
        'source "$1"; COMP_WORDS=("$2" send -o j); COMP_CWORD=3; _sightline;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    completion = pathlib.Path(ROOT) / "packaging" / "completion.bash"
    said = subprocess.run(
        ["bash", "-c", script, "bash", completion, command_path()],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert "jpeg_compression_quality=" in said.stdout.split()
