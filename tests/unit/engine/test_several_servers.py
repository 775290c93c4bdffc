"""Several servers at once, each in a thread: none ever sees another's state."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from pyinfra import host
from pyinfra.context import ctx_state
from pyinfra.operations import server

from coopinfra.deploy.engine.batch import Answer
from coopinfra.deploy.engine.pyinfra_run import on_server, run


class Server:
    """Stands for a connection that is open."""

    run_id = ""

    def __init__(self, label):
        self.label, self.ran = label, []

    def run(self, command, stdin=None, timeout=None):
        self.ran.append(command)
        return Answer(0, "", "")


def test_each_server_keeps_its_own_state_while_others_come_and_go():
    together, count = Barrier(4), 4

    def work(number):
        connection = Server(f"highbeam/web{number}")
        together.wait(10)
        with on_server(connection) as state:
            together.wait(10)
            for turn in range(5):
                server.shell(name=f"Say {number} for the {turn}. time", commands=[f"echo {number} {turn}"])
            together.wait(10)
            assert ctx_state.get() is state
            assert host.name == next(iter(state.inventory)).name
            done = run(state, lambda *_: None)
        assert ctx_state.get() is None
        return len(done), [command for command in connection.ran if f"echo {number}" in command]

    with ThreadPoolExecutor(count) as pool:
        results = list(pool.map(work, range(count)))

    assert [(done, len(ran)) for done, ran in results] == [(5, 5)] * count
