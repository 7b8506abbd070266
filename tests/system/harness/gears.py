"""The Python module, from the checkout, and what tests do with it."""

import contextlib
import sys
import threading

from harness.processes import ROOT

PYTHON = ROOT / "python"
if str(PYTHON) not in sys.path:
    sys.path.insert(0, str(PYTHON))

from sightline.gears import NetGear  # noqa: E402


@contextlib.contextmanager
def receiver(pattern=1, **options):
    """A receiver on a free loopback port."""
    with NetGear("127.0.0.1", port=0, pattern=pattern, receive_mode=True, **options) as made:
        yield made


@contextlib.contextmanager
def sender(port, pattern=1, **options):
    with NetGear("127.0.0.1", port=port, pattern=pattern, **options) as made:
        yield made


@contextlib.contextmanager
def pair(pattern=1, at_sender=None, **options):
    """(sender, receiver), both of the module."""
    with receiver(pattern, **options) as there:
        with sender(there.stats.port, pattern, **options, **(at_sender or {})) as here:
            yield here, there


@contextlib.contextmanager
def aside(function, *arguments):
    """Runs it in a thread meanwhile; its result is [0] of the list that this gives, at the end.
    What it raises is raised then."""
    results, errors = [], []

    def run():
        try:
            results.append(function(*arguments))
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield results
    thread.join(60)
    assert not thread.is_alive(), f"{function} has not ended"
    if errors:
        raise errors[0]
