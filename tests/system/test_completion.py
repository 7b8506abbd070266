"""The shells' completion knows what the command's help knows."""

import pathlib
import re
import subprocess

import pexpect
import pytest

from harness.processes import ROOT, command_path
from harness.waiting import allow

COMPLETION = pathlib.Path(ROOT) / "packaging"
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+|-[a-z])(?![\w-])")


COMMANDS = ["send", "view", "cameras", "pair", "keys", "doctor", "doctor view"]

# A shell whose tab key only tells what it would offer.
ZSH = """
unset zle_bracketed_paste; fpath=("$FOLDER" $fpath); autoload -Uz compinit; compinit -D -u
compadd() {
    local -a matching
    if [[ ${(M)@:#-[OAD]} ]]; then builtin compadd "$@"; return; fi
    builtin compadd -A matching "$@"; offered+=($matching)
    builtin compadd "$@"
}
tell() { offered=(); _main_complete; compstate[insert]= compstate[list]=; print -r "<<$offered>>" }
zle -C tell complete-word tell; bindkey '^I' tell; PROMPT='rea''dy'
"""


def options_in_help(command):
    words = [command_path(), *command.split(), "--help"]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
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


@pytest.fixture(scope="module")
def zsh(tmp_path_factory):
    """What zsh offers for the last word of a line."""
    folder = tmp_path_factory.mktemp("zsh")
    (folder / "_sightline").symlink_to(COMPLETION / "completion.zsh")
    start = folder / "start"
    start.write_text(ZSH.replace("$FOLDER", str(folder)), encoding="ascii")
    shell = pexpect.spawn("zsh", ["-f", "-i"], dimensions=(24, 200), encoding="utf-8", timeout=allow(30))
    shell.sendline(f"source {start}")
    shell.expect("ready")

    def complete(line):
        shell.send(f"\x15{line}\t")
        shell.expect("<<(.*)>>")
        return set(shell.match[1].split())

    yield complete
    shell.close(force=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_every_option(command):
    known = options_in_help(command)
    assert known
    words = ["sightline", *command.split()]
    assert known <= bash_completes([*words, "-"]) | bash_completes([*words, "--"])


@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_offers_every_option(command, zsh):
    offered = zsh(f"sightline {command} -")
    assert options_in_help(command) <= offered, offered


def test_doctor_takes_the_words_of_the_end_that_it_is_about(zsh):
    assert {"send", "view"} <= bash_completes(["sightline", "doctor", ""])
    assert {"send", "view"} <= zsh("sightline doctor ")
    for end, own, others in (("view", "gate=", "fps="), ("send", "fps=", "gate=")):
        offered = bash_completes([command_path(), "doctor", end, "-o", ""])
        assert own in offered and others not in offered
    for words in ("doctor view --quali", "doctor send --gat"):
        assert not bash_completes(["sightline", *words.split()]) and not zsh(f"sightline {words}")


def test_bash_completes_values():
    assert bash_completes(["sightline", "view", "--pattern", "p"]) == {"pair", "pubsub"}
    assert "view" in bash_completes(["sightline", "v"])


def test_zsh_completes_values(zsh):
    assert zsh("sightline view --pattern p") == {"pair", "pubsub"}
    assert zsh("sightline doctor view --ssh-backend ") == {"libssh", "openssh"}
