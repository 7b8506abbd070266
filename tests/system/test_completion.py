"""The shells' completion knows what the command's help knows."""

import pathlib
import re
import subprocess

import pytest

from harness.processes import ROOT, command_path

COMPLETION = pathlib.Path(ROOT) / "packaging"
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+|-[a-z])(?![\w-])")


def options_in_help(command):
    said = subprocess.run(
        [command_path(), "help", command], capture_output=True, text=True, check=True, timeout=30
    )
    return set(OPTION.findall(said.stdout))


def bash_completes(words):
    """What bash offers for the last of the words."""
    script = (
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sightline;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    said = subprocess.run(
        ["bash", "-c", script, "bash", COMPLETION / "completion.bash", *words],
        capture_output=True, text=True, check=True, timeout=30,
    )
    return set(said.stdout.split())


@pytest.mark.parametrize("command", ["send", "view", "cameras", "pair", "keys", "doctor"])
def test_bash_offers_every_option(command):
    known = options_in_help(command)
    assert known
    assert known <= bash_completes(["sightline", command, "-"]) | bash_completes(
        ["sightline", command, "--"]
    )


@pytest.mark.parametrize("command", ["send", "view", "pair", "keys", "doctor"])
def test_zsh_names_every_option(command):
    text = (COMPLETION / "completion.zsh").read_text(encoding="utf-8")
    named = set(OPTION.findall(text))
    assert options_in_help(command) <= named


def test_bash_knows_the_doctor_of_a_viewer():
    known = options_in_help("view") - {"-o"} | {"--json"}
    assert known <= bash_completes(["sightline", "doctor", "view", "--"])
    assert "view" in bash_completes(["sightline", "doctor", "v"])


def test_bash_completes_values():
    assert bash_completes(["sightline", "view", "--pattern", "p"]) == {"pair", "pubsub"}
    assert "view" in bash_completes(["sightline", "v"])
