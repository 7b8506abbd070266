"""Fixtures of the system tests: what starts things, and ends them when the test is over."""

import contextlib
import faulthandler
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import certificates, dropbear, ends, figures, gates  # noqa: E402
from harness import matrix, openssh, passwords, screen, streams  # noqa: E402
from harness import network as networks  # noqa: E402
from harness import stage as stages  # noqa: E402
from harness.processes import Process, Sightline, command_path  # noqa: E402
from harness.waiting import allow  # noqa: E402

TEST_LIMIT_SECONDS = 120

# Debian's Python is built without sanitizers, and can't load a library that has them.
collect_ignore_glob = ["test_python*.py"] if "ASAN_OPTIONS" in os.environ else []


def pytest_configure(config):
    config.addinivalue_line("markers", "sanitized: also run with the sanitizer builds")
    config.addinivalue_line("markers", "limit(seconds): may take longer than other tests")


def pytest_sessionstart():
    if not os.access(command_path(), os.X_OK):
        pytest.exit(f"there is no command at {command_path()}: build it, or set SIGHTLINE", 3)
    # What a shell starts in the background ignores it, and so would all that is started here.
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionfinish():
    if figures.ROWS:
        figures.write()


def pytest_terminal_summary(terminalreporter):
    """The figures of the faults that were gone through go into the report, and the matrix of ends
    that have met."""
    if figures.ROWS:
        show(terminalreporter, "faults, in pair / reqrep / pubsub", figures.table())
    met = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == matrix.TITLE and report.when == "call"
    ]
    if met:
        lines = matrix.table(met)
        matrix.write(lines)
        show(terminalreporter, "who has met whom: frames / streams", lines)


def show(terminalreporter, title, lines):
    terminalreporter.section(title)
    for line in lines:
        terminalreporter.write_line(line)


@pytest.fixture(autouse=True)
def time_limit(request):
    """No test hangs: one that takes too long fails with the line it was at."""
    longer = request.node.get_closest_marker("limit")
    limit = longer.args[0] if longer else TEST_LIMIT_SECONDS

    def expire(_number, _frame):
        raise TimeoutError(f"the test took more than {limit} s")

    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGALRM, expire)
        signal.alarm(int(allow(limit)))
        yield
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    else:  # where xdist's worker now and then runs them, and no signal comes: it ends, and tells
        faulthandler.dump_traceback_later(allow(limit), exit=True)
        yield
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def folder():
    """A folder of the test's own with a path short enough for sockets; gone afterwards."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="sightline-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home(folder):
    """The folders that stand in for the user's own."""
    path = folder / "home"
    for name in ("", ".ssh", "config", "state", "run", "tmp"):
        (path / name).mkdir(mode=0o700)
    return path


@pytest.fixture
def environment(home):
    """The environment of every command: nothing of the real user's is read or written."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ("SSH_AUTH_SOCK", "DISPLAY", "WAYLAND_DISPLAY", "SSH_ASKPASS")
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "TMPDIR": str(home / "tmp"),
        "LC_ALL": "C.UTF-8",
    }


@pytest.fixture
def started():
    """Ends everything that was put on this stack, last first."""
    with contextlib.ExitStack() as stack:
        yield stack


def finish(known):
    for program in reversed(known):
        program.finish()
    complaints = [text for text in (program.complaint() for program in known) if text]
    assert not complaints, "\n\n".join(complaints)


@pytest.fixture
def programs(started):
    """Remembers processes: ends them after the test, and fails it for a crash or a sanitizer."""
    known = []
    yield known
    finish(known)


@pytest.fixture
def sightline(environment, folder, programs):
    """Starts the command: sightline("view", "--port", 0, ...)."""

    def start(*arguments, extra=None, **channels):
        words = [str(argument) for argument in arguments]
        running = Sightline(words, {**environment, **(extra or {})}, folder, **channels)
        programs.append(running)
        return running

    return start


def by(pattern):
    """The words that choose a pattern; None leaves it to the command's default."""
    return [] if pattern is None else ["--pattern", pattern]


@pytest.fixture
def view(sightline):
    """Starts a viewer on a free loopback port, without a screen unless told another sink."""

    def start(pattern, *arguments, sink="null", **channels):
        place = [] if "--address" in arguments else ["--address", "127.0.0.1", "--port", 0]
        words = ["view", *place, *by(pattern), "--sink", sink]
        return sightline(*words, *arguments, data=sink == "-", **channels)

    return start


@pytest.fixture
def send(sightline):
    """Starts a sender to a loopback port."""

    def start(source, port, pattern, *arguments, **channels):
        place = ["--address", "127.0.0.1", "--port", port, *by(pattern)]
        return sightline("send", source, *place, *arguments, **channels)

    return start


@pytest.fixture
def gate(view, folder):
    """Starts a viewer with a gate, and a key that opens it."""

    def start(pattern, *words, **channels):
        key = folder / "camera_key"
        if not key.exists():
            gates.authorize(folder / "authorized", openssh.make_key(key))
        place = ["--gate", "127.0.0.1:0", "--authorized-keys", folder / "authorized"]
        return gates.Gate(view(pattern, *place, *words, **channels), folder, key)

    return start


@pytest.fixture
def camera(sightline):
    """Starts a sender that comes through the gate."""

    def start(gate, pattern, *words, key=None, source=gates.CAMERA):
        place = ["--port", gate.link_port, *by(pattern), *gate.options(key)]
        return sightline("send", source, *place, *words)

    return start


@pytest.fixture
def plain(environment, folder, programs):
    """Runs the command without --stats to its end: plain("help") gives the Process."""

    def start(*arguments, seconds=20, **channels):
        running = Process([command_path(), *arguments], environment, folder, **channels)
        programs.append(running)
        running.wait(seconds)
        return running

    return start


@pytest.fixture
def sshd(folder, started):
    """Makes an OpenSSH server, running unless `start=False`."""

    def make(*options, start=True, **how):
        place = pathlib.Path(tempfile.mkdtemp(dir=folder))
        server = openssh.Sshd(place, options=options, **how)
        started.callback(server.close)
        return server.start() if start else server

    return make


@pytest.fixture(scope="session")
def password_program(tmp_path_factory):
    return passwords.build(tmp_path_factory.mktemp("ssh_server"))


@pytest.fixture
def password_server(password_program, folder, started):
    """Makes an SSH server that accepts one password."""

    def make(password, method="password"):
        server = passwords.PasswordServer(password_program, folder, password, method)
        started.callback(server.close)
        return server

    return make


@pytest.fixture
def network(started):
    """Makes a network of three hosts, or has the test skipped where that can't be."""

    def make(**how):
        if (why := networks.why_not()) is not None:
            pytest.skip(why)
        made = networks.Network(**how)
        started.callback(made.close)
        return made

    return make


@pytest.fixture
def small_sshd(folder, started):
    """Makes a running dropbear."""

    def make(**how):
        if (why := dropbear.why_not()) is not None:
            pytest.skip(why)
        server = dropbear.Dropbear(pathlib.Path(tempfile.mkdtemp(dir=folder)), **how)
        started.callback(server.close)
        return server.start()

    return make


@pytest.fixture
def stage(network, sshd, sightline, folder):
    """Makes a stage (see there), with a server in the middle unless told another; under way."""

    def make(way, start=True, server=None, ipv6=False, options=(), net=None, **how):
        net = net or network(ipv6=ipv6)
        if server is None and way != "gate":
            place = net.prefix(net.middle)
            options = ["GatewayPorts clientspecified", *options]
            server = sshd(*options, prefix=place, addresses=list(net.gates.values()))
        made = stages.Stage(net, sightline, way, server, folder, **how)
        return made.start() if start else made

    return make


@pytest.fixture
def agent(folder, started):
    running = openssh.Agent(folder)
    started.callback(running.close)
    return running


@pytest.fixture
def peer(started):
    """Has a NetGear peer closed after the test: peer(netgear.Receiver("pair"))."""

    def keep(made):
        started.callback(made.close)
        return made

    return keep


@pytest.fixture
def display(started):
    shown = screen.Screen()
    started.callback(shown.close)
    return shown


@pytest.fixture(scope="session")
def shared_certificates(tmp_path_factory):
    """Certificates of both ends, made by pyzmq."""
    return certificates.Location(tmp_path_factory.mktemp("certificates")).make()


@pytest.fixture(scope="session")
def makers(shared_certificates, tmp_path_factory):
    """What makes the ends of the interoperability matrix. Their programs serve all tests."""
    folder = tmp_path_factory.mktemp("ends")
    built = ends.build(folder)
    started = []

    def start(*words):
        started.append(ends.Program(words, ends.environment(folder)))
        return started[-1]

    yield {
        "netgear": streams.Netgear(shared_certificates),
        "library": streams.Programs(shared_certificates, lambda: start(built), True),
        "python": streams.Programs(
            shared_certificates, lambda: start("/usr/bin/python3", "-B", ends.PYTHON), False
        ),
    }
    finish(started)
