"""The contract of the connector: nothing is asked twice until something may have changed."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier

import pytest
from pyinfra import host
from pyinfra.api import FactBase, FileUploadCommand, StringCommand, operation
from pyinfra.operations import python

from coopinfra.deploy.engine.batch import Answer, batch_answers, batch_script
from coopinfra.deploy.engine.connection import ServerError
from coopinfra.deploy.engine.foresight import FIRST_WINDOW
from coopinfra.deploy.engine.pyinfra_run import OperationFailed, on_server, run, would_change
from coopinfra.deploy.engine.reading import ask_again, asked_so_far, read_ahead


class Machine:
    """A connection to a shell on this machine, in one folder, that writes down what went over the line."""

    label, login, run_id = "acme/web1", "root", ""

    def __init__(self, folder):
        self.folder, self.lines, self.asked = folder, [], []

    def run(self, command, stdin=None, timeout=None):
        self.lines.append(command)
        return self._shell(command, stdin)

    def run_all(self, commands, stdin=None, timeout=None):
        self.lines.append("+".join(commands))
        self.asked += commands
        return tuple(self._shell(command, None if number else stdin) for number, command in enumerate(commands))

    def _shell(self, command, stdin=None):
        given = stdin.read() if stdin else None
        done = subprocess.run(["sh", "-c", command], cwd=self.folder, input=given, capture_output=True, check=False)
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())


class Content(FactBase):
    """The lines of a file."""

    def command(self, path):
        return f"cat {path} 2>/dev/null; true"

    def process(self, output):
        return list(output)

    @staticmethod
    def default():
        return []


@operation()
def line(path, text, then=""):
    """Put a line into a file, and ask a second question that follows from the first."""
    if text in host.get_fact(Content, path=path) and (not then or text in host.get_fact(Content, path=then)):
        host.noop("it is there")
        return
    yield f"echo {text} >>{path}"


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def ignore(operation, number, of):
    """Hear that an operation begins, and leave it at that."""


def changed(operations):
    return [each.name for each in operations if each.changed]


def test_questions_of_all_operations_are_asked_together(machine):
    for number in range(400):
        (machine.folder / f"f{number}").write_text("x\n")

    with on_server(machine) as state:
        for number in range(400):
            line(name=f"Line {number}", path=f"f{number}", text="x")
        rounds = read_ahead(state)
        done = run(state, ignore)

    assert rounds == len(machine.lines) == 1, "as many for 400 as for 10"
    assert changed(done) == []


def test_a_question_that_follows_from_another_takes_one_more_round(machine):
    (machine.folder / "a").write_text("x\n")
    (machine.folder / "b").write_text("x\n")

    with on_server(machine) as state:
        line(name="Line", path="a", text="x", then="b")
        assert read_ahead(state) == 2
        assert changed(run(state, ignore)) == []


def test_without_asking_ahead_it_ends_the_same(machine):
    with on_server(machine) as state:
        line(name="First", path="a", text="x")
        line(name="Second", path="a", text="x")

        assert changed(run(state, ignore)) == ["First"]


def test_what_changed_is_asked_again_before_the_next_operation(machine):
    with on_server(machine) as state:
        line(name="First", path="a", text="x")
        line(name="Second", path="a", text="x")
        read_ahead(state)
        assert [*would_change(state, state.get_op_order()).values()] == ["First", "Second"], (
            "as it looks before anything is done"
        )

        assert changed(run(state, ignore)) == ["First"]


def test_after_a_change_a_few_questions_are_asked_together_and_then_more(machine):
    for number in range(1, 40):
        (machine.folder / f"f{number}").write_text("x\n")

    with on_server(machine) as state:
        for number in range(40):
            line(name=f"Line {number}", path=f"f{number}", text="x")
        read_ahead(state)
        machine.asked.clear()
        before = len(machine.lines)
        run(state, ignore)

    change, *windows = machine.lines[before:]
    assert len(change.split("+")) == 1 + FIRST_WINDOW, "the first ones went with the change"
    assert [len(each.split("+")) for each in windows] == [2 * FIRST_WINDOW, 39 - 3 * FIRST_WINDOW]


def test_with_a_change_goes_what_comes_next_also_where_an_earlier_operation_asked_the_same(machine):
    with on_server(machine) as state:
        line(name="First", path="a", text="x")
        line(name="Second", path="b", text="x")
        line(name="Third", path="a", text="x")
        assert read_ahead(state) == 1
        before = len(machine.lines)
        done = run(state, ignore)

    assert changed(done) == ["First", "Second"], "the third was told what the first has written"
    assert len(machine.lines) - before == 2, "a line for each change, and none for a question"


def test_with_a_change_goes_nothing_that_the_next_change_would_make_old(machine):
    (machine.folder / "c").write_text("x\n")

    with on_server(machine) as state:
        for name, path in (("First", "a"), ("Second", "b"), ("Third", "c")):
            line(name=name, path=path, text="x")
        read_ahead(state)
        machine.asked.clear()
        run(state, ignore)

    change, other = machine.asked[:2], machine.asked[2:]
    assert [each.count("cat b") for each in change] == [0, 1], "with the first change, what the second one asks"
    assert [each.count("cat c") for each in other] == [0, 1], "with the second, what comes after it"


def test_what_a_comparison_asked_is_asked_anew_in_one_round(machine):
    for name in "ab":
        (machine.folder / name).write_text("x\n")
    with on_server(machine) as state:
        line(name="Line", path="a", text="x", then="b")
        assert read_ahead(state) == 2, "the control: one question leads to the other"
        questions = asked_so_far(state)
    (machine.folder / "b").write_text("")

    with on_server(machine) as state:
        ask_again(state, questions)
        line(name="Line", path="a", text="x", then="b")
        assert read_ahead(state) == 0
        assert changed(run(state, ignore)) == ["Line"], "the answer is the one of now"


@operation()
def put(path, text, then=()):
    """Upload a file unless it is there, and run commands after it."""
    if host.get_fact(Content, path=path) == [text]:
        host.noop("it is there")
        return
    yield FileUploadCommand(BytesIO(text.encode()), path)
    yield from then


def test_an_upload_travels_with_the_command_that_follows_it_and_the_next_question(machine):
    a, b = (str(machine.folder / name) for name in "ab")

    with on_server(machine) as state:
        put(name="Put", path=a, text="x", then=(f"cp {a} {b}; cat >>{b}",))
        line(name="Line", path="b", text="x")
        read_ahead(state)
        before = len(machine.lines)
        done = run(state, ignore)

    assert changed(done) == ["Put"], "the question was asked after the command"
    assert len(machine.lines) - before == 1
    assert (machine.folder / "b").read_text() == "x", "the command does not read the upload"


def test_an_upload_that_no_command_follows_is_there_when_its_operation_ends(machine):
    a, seen = machine.folder / "a", []

    with on_server(machine) as state:
        put(name="Put", path=str(a), text="x")
        python.call(name="Look", function=lambda: seen.append(a.read_text()))
        run(state, ignore)

    assert seen == ["x"]
    assert a.stat().st_mode & 0o777 == 0o600


def test_of_two_uploads_none_is_lost_nor_is_what_a_command_is_given(machine):
    a, b = (machine.folder / name for name in "ab")

    with on_server(machine) as state:
        more = FileUploadCommand(BytesIO(b"y"), str(b)), StringCommand(f"cat >>{b}", _stdin="z")
        put(name="Put", path=str(a), text="x", then=more)
        run(state, ignore)

    assert (a.read_text(), b.read_text()) == ("x", "yz\n")


def test_an_upload_that_cannot_be_written_fails_by_name_and_what_follows_does_not_run(machine):
    a = machine.folder / "a"
    (machine.folder / "in-the-way").write_text("")

    with on_server(machine) as state:
        put(name="Put", path=f"{machine.folder}/in-the-way/file", text="x", then=(f"touch {a}",))
        with pytest.raises(ServerError, match=r"cannot write .*/in-the-way/file: .*during `Put`"):
            run(state, ignore)

    assert not a.exists()


def test_an_upload_that_arrives_cut_short_leaves_the_old_file_and_runs_nothing(machine, monkeypatch):
    a, b = (machine.folder / name for name in "ab")
    a.write_text("old")
    whole = Machine._shell
    monkeypatch.setattr(
        Machine, "_shell", lambda self, command, stdin=None: whole(self, command, stdin and BytesIO(stdin.read()[:-1]))
    )

    with on_server(machine) as state:
        put(name="Put", path=str(a), text="new", then=(f"touch {b}",))
        with pytest.raises(ServerError, match="it arrived cut short"):
            run(state, ignore)

    assert a.read_text() == "old"
    assert [path.name for path in machine.folder.iterdir()] == ["a"], "nothing lies beside it, and nothing ran"


def test_what_an_operation_asks_again_and_again_is_asked_again(machine):
    found = []

    def wait():
        for _ in range(2):
            found.append(host.get_fact(Content, path="a"))
            (machine.folder / "a").write_text("changed by itself\n")

    with on_server(machine) as state:
        line(name="Ask it before", path="a", text="x")
        python.call(name="Wait", function=wait)
        (machine.folder / "a").write_text("x\n")
        read_ahead(state)
        run(state, ignore)

    assert found == [["x"], ["changed by itself"]]


def test_forget_makes_every_question_new(machine):
    with on_server(machine) as state:
        assert host.get_fact(Content, path="a") == []
        (machine.folder / "a").write_text("x\n")
        assert host.get_fact(Content, path="a") == [], "kept, as nothing of ours changed anything"

        next(iter(state.inventory)).connector.forget()

        assert host.get_fact(Content, path="a") == ["x"]


def test_one_server_knows_nothing_of_anothers_answers(machine, tmp_path_factory):
    other = Machine(tmp_path_factory.mktemp("other"))
    (other.folder / "a").write_text("other\n")

    with on_server(machine):
        assert host.get_fact(Content, path="a") == []
    with on_server(other):
        assert host.get_fact(Content, path="a") == ["other"]


def test_an_operation_that_cannot_begin_says_so_when_its_turn_comes(machine):
    @operation()
    def broken():
        raise OperationFailed
        yield ""

    with on_server(machine) as state:
        line(name="First", path="a", text="x")
        broken(name="Broken")
        read_ahead(state)

        with pytest.raises(OperationFailed):
            run(state, ignore)

    assert (machine.folder / "a").read_text() == "x\n"


def test_the_first_of_a_batch_reads_what_the_script_is_given_and_no_other_does():
    script = batch_script(["cat", "cat", "echo end"], "=w=", given=True)
    done = subprocess.run(["sh", "-c", script], input=b"given", capture_output=True, check=False)

    found = batch_answers(Answer(done.returncode, done.stdout.decode(), done.stderr.decode()), "=w=")

    assert [each.out for each in found] == ["given", "", "end\n"]


def answers(commands, word="=w="):
    done = subprocess.run(["sh"], input=batch_script(commands, word).encode(), capture_output=True, check=False)
    return tuple(batch_answers(Answer(done.returncode, done.stdout.decode(), done.stderr.decode()), word))


def test_each_command_of_a_batch_has_its_own_code_and_output():
    given = answers(["echo one", "echo two >&2; exit 3", "printf 'no newline'", "cat", "echo ')' \"'\"; cd /; exit"])

    assert [each.code for each in given] == [0, 3, 0, 0, 0]
    assert [each.out for each in given] == ["one\n", "", "no newline", "", ") '\n"]
    assert [each.err for each in given] == ["", "two\n", "", "", ""]


@pytest.mark.parametrize("broken", ["echo '", "kill -9 $PPID", "exec kill -9 $$"])
def test_a_broken_command_spoils_no_other_or_is_found_out(broken):
    try:
        given = answers(["echo one", broken, "echo three"])
    except ValueError:
        return
    assert given[0].out == "one\n"
    if len(given) == 3:
        assert given[1].code != 0
        assert given[2].out == "three\n"
    else:
        assert len(given) < 3, "and Connection.run_all refuses to go on"


def test_servers_that_are_worked_on_at_once_never_get_each_others_operations(tmp_path):
    together = Barrier(4, timeout=60)

    def deploy(number):
        folder = tmp_path / str(number)
        folder.mkdir()
        together.wait()
        with on_server(Machine(folder)) as state:
            together.wait()
            for word in "abc":
                line(name=f"Write {word}{number}", path="file", text=f"{word}{number}")
                together.wait()
            return [each.name for each in run(state, ignore)], (folder / "file").read_text()

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(deploy, range(4)))

    assert done == [([f"Write a{n}", f"Write b{n}", f"Write c{n}"], f"a{n}\nb{n}\nc{n}\n") for n in range(4)]
