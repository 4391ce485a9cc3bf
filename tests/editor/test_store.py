"""The store keeps its promises on real databases."""

import errno
import io
import logging
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from editor.models import Document, User
from sync.store import Broken, NotStored, UnknownDocument, verify
from tests.contracts_store import StoreContract, Writer, change, snapshot, write
from tests.editor.sql_world import TYPIST, SqlWorld, postgres_world, sqlite_world


class SqlStoreContract(StoreContract):
    def test_a_restart_changes_nothing(self, world: SqlWorld) -> None:
        note = world.create()
        write(world, note, change(b"one", clients=(7,)), change(b"two"), change(b"three"))
        world.store.compact(note, snapshot(2))
        log, entries = world.store.open(note), list(world.store.entries(note))
        world.reopen()
        assert world.store.open(note) == log
        assert list(world.store.entries(note)) == entries
        assert [entry.seq for entry in write(world, note, change(b"four"))] == [4]
        verify(world.store.entries(note))

    def test_what_a_guest_begins_as_they_sign_in_belongs_to_their_account(self, world: SqlWorld) -> None:
        note = world.create()
        with Session(world.engine) as session:
            session.add_all([account := User(name="Dora"), guest := User(name="Gus", guest=True)])
            session.flush()
            guest.became = account.id
            session.commit()
            write(world, note, change(user_id=guest.id, clients=(7,)), change(user_id=account.id, clients=(7,)))
            assert world.store.open(note).owners == {7: account.id}
            assert [entry.user_id for entry in world.store.entries(note)] == [guest.id, account.id]

    def test_what_was_changed_in_the_database_is_noticed(self, world: SqlWorld) -> None:
        note = world.create()
        write(world, note, *(change(b"%d" % number) for number in range(5)))
        with world.engine.begin() as connection:
            connection.execute(text("UPDATE entry SET user_id = 9 WHERE seq = 3"))
        with pytest.raises(Broken, match="3"):
            verify(world.store.entries(note))
        with world.engine.begin() as connection:
            connection.execute(text("DELETE FROM entry WHERE seq = 3"))
        with pytest.raises(Broken, match="expected entry 3, found entry 4"):
            verify(world.store.entries(note))

    def test_a_document_that_is_deleted_takes_its_log_along(self, world: SqlWorld) -> None:
        note, other = world.create(), world.create()
        write(world, note, change(clients=(7,)))
        write(world, other, change(clients=(7,)))
        world.store.compact(note, snapshot(1))
        with Session(world.engine) as session:
            session.delete(session.get_one(Document, note))
            session.commit()
        for table, left in (("entry", 1), ("client", 1), ("snapshot", 0)):
            with world.engine.connect() as connection:
                assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == left
        writer = Writer(note, change())
        world.store.append(writer)
        world.wait(writer)
        assert isinstance(writer.error, UnknownDocument)

    def test_a_commit_holds_at_most_1000_entries(self, world: SqlWorld) -> None:
        self.apart(world, Writer(world.create(), *[change()] * 600), Writer(world.create(), *[change()] * 401))
        self.together(world, Writer(world.create(), *[change()] * 600), Writer(world.create(), *[change()] * 400))

    def test_a_commit_holds_at_most_one_mebibyte(self, world: SqlWorld) -> None:
        half = change(bytes(1 << 19))
        self.apart(world, Writer(world.create(), half), Writer(world.create(), half, change(b"a")))
        self.together(world, Writer(world.create(), half), Writer(world.create(), half))

    def test_what_is_too_much_for_any_commit_has_one_of_its_own(self, world: SqlWorld) -> None:
        huge = Writer(world.create(), *[change(bytes(1 << 20))] * 3)
        self.apart(world, Writer(world.create(), change()), huge)
        assert len(huge.entries) == 3

    def apart(self, world: SqlWorld, first: Writer, second: Writer) -> None:
        assert not self._share(world, first, second)

    def together(self, world: SqlWorld, first: Writer, second: Writer) -> None:
        assert self._share(world, first, second)

    def _share(self, world: SqlWorld, first: Writer, second: Writer) -> bool:
        """Whether the second one's changes are in the database when the first one is answered."""
        shared: list[bool] = []
        first.then = lambda: shared.append(world.another().open(second.document_id).head > 0)
        world.store.append(first)
        world.store.append(second)
        world.wait(first, second)
        assert second.error is None
        return shared[0]

    def test_what_waits_while_others_are_too_much_keeps_its_turn(self, world: SqlWorld) -> None:
        big, small = world.create(), world.create()
        story: list[str] = []
        writers = [
            Writer(note, *[change()] * size, story=story) for note, size in ((small, 1), (big, 1000), (small, 1))
        ]
        for writer in writers:
            world.store.append(writer)
        world.wait(*writers)
        assert [line.split()[0] for line in story if big in line] == ["take", "committed"]
        assert [entry.seq for entry in writers[2].entries] == [2]

    def test_two_processes_write_the_same_documents_without_a_gap(self, world: SqlWorld) -> None:
        notes = [world.create() for _ in range(3)]
        orders = (notes, notes[::-1])  # each could hold what the other one wants
        typists = [
            subprocess.Popen([*TYPIST, world.url, *order], stdout=subprocess.PIPE, text=True) for order in orders
        ]
        told = dict.fromkeys(notes, 0)
        for number in range(200):
            for typist in typists:
                assert typist.stdout is not None
                line = typist.stdout.readline().split()
                assert line, f"ended after {number} lines"
                told[line[0]] = max(told[line[0]], int(line[1]))
        for typist in typists:
            with typist:
                typist.kill()
        for note in notes:
            entries = list(world.store.entries(note))
            verify(entries)
            assert len(entries) >= told[note] > 0

    def test_a_commit_that_fails_fails_for_all_and_the_next_one_works(self, world: SqlWorld) -> None:
        first, second = world.create(), world.create()
        self.forbid_entries_of(world, first)
        writers = [Writer(first, change(clients=(7,))), Writer(second, change(clients=(7,)))]
        for writer in writers:
            world.store.append(writer)
        world.wait(*writers)
        for writer in writers:
            assert type(writer.error) is NotStored
            assert str(writer.error) == "The server could not write to its database."
            assert world.store.open(writer.document_id).owners == {}
            assert list(world.store.entries(writer.document_id)) == []
        assert [entry.seq for entry in write(world, second, change())] == [1]

    def forbid_entries_of(self, world: SqlWorld, document_id: str) -> None:
        raise NotImplementedError

    def test_a_mistake_in_one_room_does_not_keep_the_others_from_their_answers(
        self, world: SqlWorld, caplog: pytest.LogCaptureFixture
    ) -> None:
        def mistake() -> None:
            raise RuntimeError("a mistake in this room")

        class Clumsy(Writer):
            def take(self) -> list[object]:  # type: ignore[override]
                raise RuntimeError("a mistake in that room")

        wrong, clumsy, fine = Writer(world.create(), change()), Clumsy(world.create()), Writer(world.create(), change())
        wrong.then = mistake
        with caplog.at_level(logging.ERROR):
            for writer in (wrong, clumsy, fine):
                world.store.append(writer)
            world.wait(wrong, clumsy, fine)
        assert [entry.seq for entry in fine.entries] == [1]
        assert isinstance(clumsy.error, NotStored)
        assert "a mistake in this room" in caplog.text
        assert "a mistake in that room" in caplog.text

    def test_a_log_that_cannot_be_written_ends_no_commit(
        self, world: SqlWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Full(io.StringIO):
            def write(self, text: str) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

        class Broken(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

        forbidden, fine = world.create(), world.create()
        self.forbid_entries_of(world, forbidden)
        handler = Broken()
        logging.getLogger("editor.committer").addHandler(handler)
        monkeypatch.setattr("sys.stderr", Full())
        try:
            for _ in range(2):
                refused = Writer(forbidden, change())
                world.store.append(refused)
                world.wait(refused)
                assert isinstance(refused.error, NotStored)
            assert [entry.seq for entry in write(world, fine, change())] == [1]
        finally:
            logging.getLogger("editor.committer").removeHandler(handler)

    def test_closing_finishes_what_waits_and_takes_no_more(self, world: SqlWorld) -> None:
        note = world.create()
        store = world.another()
        waiting, late = Writer(note, change()), Writer(note, change())
        store.append(waiting)
        store.close()
        assert [entry.seq for entry in waiting.entries] == [1]
        store.append(late)
        world.wait(late)
        assert str(late.error) == "The server is stopping."

    def test_whoever_was_told_it_is_saved_finds_it_after_kill_9(self, world: SqlWorld) -> None:
        seed = random.randrange(2**32)
        print(f"seed {seed}")
        dice = random.Random(seed)
        notes = [world.create() for _ in range(3)]
        command = [*TYPIST, world.url, *notes]
        told: dict[str, int] = dict.fromkeys(notes, 0)
        for _ in range(3):
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as typist:
                assert typist.stdout is not None
                lines = iter(typist.stdout)
                for _ in range(dice.randrange(1, 300)):
                    note, seq = next(lines).split()
                    told[note] = int(seq)
                time.sleep(dice.random() / 50)  # somewhere in the middle of a commit
                typist.kill()
                for line in lines:
                    if line.endswith("\n"):
                        note, seq = line.split()
                        told[note] = int(seq)
        for note, saved in told.items():
            entries = list(world.store.entries(note))
            assert len(entries) >= saved
            assert world.store.open(note).head == len(entries)
            verify(entries)
        assert sum(told.values()) > 0


class TestSqlite(SqlStoreContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[SqlWorld]:
        with sqlite_world(tmp_path) as world:
            yield world

    def forbid_entries_of(self, world: SqlWorld, document_id: str) -> None:
        with world.engine.begin() as connection:
            connection.exec_driver_sql(
                f"CREATE TRIGGER forbid BEFORE INSERT ON entry WHEN new.document_id = '{document_id}' "
                "BEGIN SELECT RAISE(ABORT, 'forbidden'); END"
            )


class TestPostgres(SqlStoreContract):
    @pytest.fixture
    def world(self) -> Iterator[SqlWorld]:
        with postgres_world() as world:
            yield world

    def forbid_entries_of(self, world: SqlWorld, document_id: str) -> None:
        with world.engine.begin() as connection:
            connection.exec_driver_sql(
                f"ALTER TABLE entry ADD CONSTRAINT forbid CHECK (document_id <> '{document_id}')"
            )
