"""Work on several servers at once, which a signal may end or stop."""

import os
import signal
import threading
from itertools import count

import pytest

from coopinfra.cli.signals import Ended, ends_after_the_step, ends_at_once
from coopinfra.deploy.engine.stop import Stop, Stopped
from coopinfra.deploy.jobs.fleet import AT_ONCE, on_each
from coopinfra.deploy.organisation.problems import CoopinfraError, Problem

ALL = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])


@pytest.fixture(autouse=True)
def as_at_a_terminal():
    """Whoever started the tests may have told their children to ignore a signal, as nohup does."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, old in before.items():
        signal.signal(number, old)


def test_results_come_in_the_order_of_the_servers_and_one_that_fails_hides_no_other():
    def work(number):
        if number == 1:
            raise CoopinfraError(Problem("unreachable"))
        return number

    found = on_each(work, range(3 * AT_ONCE))

    assert isinstance(found[1], CoopinfraError)
    assert [each for each in found if isinstance(each, int)] == [0, *range(2, 3 * AT_ONCE)]


def test_a_bug_is_no_result():
    with pytest.raises(ZeroDivisionError):
        on_each(lambda number: 1 // number, range(3))


def test_of_nothing_there_is_nothing():
    assert on_each(lambda item: item, ()) == ()


def signal_in_a_while(number, *, when, until=None, again=False):
    """Send us a signal once something began, and another one once the first was understood."""

    def send():
        when.wait(10)
        os.kill(os.getpid(), number)
        if again:
            until.wait(10)
            os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()


@ALL
def test_a_signal_ends_at_once_though_servers_are_at_work(number):
    working, never = threading.Event(), threading.Event()

    def work(_):
        working.set()
        never.wait(60)

    signal_in_a_while(number, when=working)
    with pytest.raises(Ended), ends_at_once():
        on_each(work, range(3))
    never.set()


def steps(server, stop, began, heard):
    """A server with steps without end; the running one takes until the signal was heard."""
    for step in count():
        stop.obey(server, f"step {step}")
        began.set()
        heard.wait(10)


@ALL
def test_the_first_signal_lets_every_server_finish_its_step(number):
    stop, began, heard, told = Stop(), threading.Event(), threading.Event(), []

    def report(event):
        told.append(event)
        heard.set()

    signal_in_a_while(number, when=began)
    with ends_after_the_step(stop, report):
        found = on_each(lambda server: steps(server, stop, began, heard), ("web1", "web2"))

    assert [event.kind for event in told] == ["stopping"]
    assert [type(each) for each in found] == [Stopped, Stopped]
    assert all("stopped before `step" in str(each) for each in found)


@ALL
def test_the_second_signal_ends_at_once(number):
    stop, began, heard, never = Stop(), threading.Event(), threading.Event(), threading.Event()

    def work(_):
        began.set()
        never.wait(60)

    signal_in_a_while(number, when=began, until=heard, again=True)
    with pytest.raises(Ended), ends_after_the_step(stop, lambda event: heard.set()):
        on_each(work, range(3))
    never.set()


def test_who_only_waits_stops_at_once():
    stop = Stop()
    threading.Timer(0.05, stop.ask).start()

    with pytest.raises(Stopped, match="while it waited for the lock"):
        stop.pause(60, "highbeam/web1", "the lock")


def test_nobody_asked_means_nobody_stops():
    Stop().obey("highbeam/web1", "Write files")
    Stop().pause(0, "highbeam/web1", "the lock")


def test_what_is_ignored_on_purpose_stays_ignored_and_all_is_as_before_after():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        with ends_at_once():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) == interrupt
    finally:
        signal.signal(signal.SIGHUP, before)
