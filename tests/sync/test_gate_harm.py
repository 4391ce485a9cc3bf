"""Why there is a gate: what its absence does. Each of these is done to pycrdt in a process of its own, and harms it."""

import subprocess
import sys
import textwrap

import pytest

from sync.codec import uint_bytes
from sync.gate import ARRAY, TEXT, XML_FRAGMENT, Gate, Refused
from tests.sync.handmade import element, entry, section, text, update

ROOTS = {"body": XML_FRAGMENT, "title": TEXT, "array": ARRAY}
NESTED = [element("p", parent="body"), *[element("p", parent=(1, n)) for n in range(29_999)]]
VALUES = update(section(1, 0, b"\x08\1\5array\1" + b"\x75\1" * 30_000 + b"\x7f"))
CLIENTS = uint_bytes(1 << 28) + b"\0" * 6

SCRIPT = textwrap.dedent(
    """
    import resource, sys
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    from pycrdt import Doc, XmlFragment
    doc = Doc()
    body = doc.get("body", type=XmlFragment)

    def peak():
        # Not ru_maxrss: that begins with what the process was forked from.
        return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))

    for line in sys.stdin:
        before, peak_before = resource.getrusage(resource.RUSAGE_SELF), peak()
        try:
            doc.apply_update(bytes.fromhex(line))
        except BaseException as error:
            print(type(error).__name__)
        after = resource.getrusage(resource.RUSAGE_SELF)
        print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak() - peak_before)
        print("kept", doc.get_update().hex())
    str(body)
    """
)


def apply(*updates: bytes) -> tuple[int, str]:
    """What becomes of a process that applies these to a doc: how it ended, what it printed."""
    lines = "\n".join(data.hex() for data in updates)
    done = subprocess.run([sys.executable, "-c", SCRIPT], input=lines, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def admit(*updates: bytes) -> str:
    gate = Gate(ROOTS, {})
    for data in updates[:-1]:
        gate.admit(1, data)
    with pytest.raises(Refused) as refused:
        gate.admit(2, updates[-1])
    return refused.value.error


def test_types_in_types_kill_who_reads_them() -> None:
    died, _ = apply(update(section(1, 0, *NESTED)))
    assert died < 0
    assert admit(update(section(1, 0, *NESTED))) == "too-large"
    assert admit(update(section(1, 0, *NESTED[:65]))) == "malformed"  # nor in smaller parts


def test_values_in_values_kill_the_process() -> None:
    """60 KB."""
    died, _ = apply(VALUES)
    assert died < 0
    assert admit(VALUES) == "malformed"


def test_eleven_bytes_cost_half_a_gigabyte() -> None:
    assert len(CLIENTS) == 11
    _, said = apply(CLIENTS)
    kib = int(said.split("kept")[0].split()[-1])
    assert kib > 100_000
    assert admit(CLIENTS) == "malformed"


def test_nine_bytes_silence_somebody_for_ever() -> None:
    """A stranger's GC over the clocks that the victim is about to write: the victim's text is taken for known."""
    hello = update(section(10, 0, text("hello", parent="title")))
    squat = update(section(10, 5, b"\0\xff\xff\x03"))
    assert len(squat) == 9
    mine = update(section(10, 5, text(" world", origin=(10, 4))))
    _, said = apply(hello, squat, mine)
    assert b" world".hex() not in said
    assert admit(hello, squat) == "denied"


def test_an_update_out_of_order_is_dropped_from_the_state() -> None:
    """`Doc.get_update()` does not tell of what waits: a snapshot would lose it."""
    later = update(section(10, 5, text(" world", origin=(10, 4))))
    _, said = apply(later)
    assert said.split()[-1] == "0000"
    assert admit(later) == "resync"


def test_an_empty_section_makes_it_panic() -> None:
    """A PanicException is no Exception: it passes every `except Exception`."""
    hello, empty = update(section(10, 0, text("hello", parent="title"))), b"\1\0\x0a\5\0"
    _, said = apply(hello, empty)
    assert "PanicException" in said
    assert admit(hello, empty) == "malformed"


def test_an_honest_update_does_no_harm() -> None:
    """The process above does work."""
    hello = update(section(10, 0, element("p", parent="body"), entry("k", b"\x7f", parent=(10, 0))))
    ended, said = apply(hello)
    assert ended == 0
    assert said.split()[-1] == hello.hex()
