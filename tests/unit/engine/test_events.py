"""What happens in a run reaches everybody who listens, in whole pieces, and stops nothing."""

import json
from threading import Thread

from coopinfra.deploy.engine.events import Event, to_all


def test_an_event_is_told_with_what_there_is_and_nothing_more():
    step = Event("step", "web1", "Write files", 7, 18).as_data()
    result = Event("result", "web1", result={"result": "changed", "seconds": 2.5}).as_data()

    assert {name: step[name] for name in step if name != "at"} == {
        "event": "step",
        "server": "web1",
        "text": "Write files",
        "step": 7,
        "steps": 18,
    }
    assert list(result) == ["at", "event", "server", "result", "seconds"]
    assert json.loads(json.dumps(result)) == result


def test_a_listener_that_is_gone_keeps_nobody_else_from_hearing():
    heard = []

    def gone(event):
        raise BrokenPipeError

    to_all(gone, heard.append)(Event("connecting", "web1"))

    assert [event.kind for event in heard] == ["connecting"]


def test_events_of_several_threads_do_not_mix():
    inside, together = [], []

    def slow(event):
        inside.append(event)
        together.append(len(inside))
        for _ in range(1000):
            pass
        inside.pop()

    report = to_all(slow)
    threads = [Thread(target=lambda: [report(Event("step", "web1")) for _ in range(200)]) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert together == [1] * 1000
