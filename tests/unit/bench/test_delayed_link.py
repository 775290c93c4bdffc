"""A line delivers in order, each packet after its delay and not before."""

from delayed_link import Line


def test_a_packet_arrives_after_the_delay_and_not_before():
    line = Line(0.05)
    line.put(b"first", now=1.00)
    line.put(b"second", now=1.02)

    assert list(line.arrived(1.049)) == []
    assert list(line.arrived(1.05)) == [b"first"]
    assert list(line.arrived(2.0)) == [b"second"]
    assert list(line.arrived(2.0)) == []


def test_the_wait_ends_when_the_next_packet_is_due():
    line = Line(0.05)
    assert line.wait(1.0) is None

    line.put(b"first", now=1.0)

    assert round(line.wait(1.02) or 0, 6) == 0.03
    assert line.wait(5.0) == 0.0


def test_without_a_delay_a_packet_is_due_at_once():
    line = Line(0.0)

    line.put(b"first", now=1.0)

    assert list(line.arrived(1.0)) == [b"first"]
