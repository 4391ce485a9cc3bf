"""history: sittings, acts, chunks, and who may see it"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Id = sa.String(22)


def upgrade() -> None:
    columns()
    chunk()
    sitting()
    act()


def columns() -> None:
    """All have a default, so that processes of the version before can go on writing."""
    for name in ("packed_seq", "sitting_seq", "history_from"):
        op.add_column("document", sa.Column(name, Number, nullable=False, server_default="0"))
    for name in ("inserted", "deleted"):
        op.add_column("entry", sa.Column(name, Number, nullable=False, server_default="0"))
    op.add_column("snapshot", sa.Column("deflated", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("share", sa.Column("history", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("member", sa.Column("last_seen", Number))


def chunk() -> None:
    op.create_table(
        "chunk",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("last_seq", Number, nullable=False),
        sa.Column("first_seq", Number, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "last_seq", name="pk_chunk"),
        to_document("chunk"),
    )


def sitting() -> None:
    op.create_table(
        "sitting",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("first_seq", Number, nullable=False),
        sa.Column("last_seq", Number, nullable=False),
        sa.Column("began", Number, nullable=False),
        sa.Column("ended", Number, nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "first_seq", name="pk_sitting"),
        to_document("sitting"),
        sqlite_with_rowid=False,
    )


def act() -> None:
    op.create_table(
        "act",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("seq", Number, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("user_id", Number),
        sa.Column("time", Number, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "seq", name="pk_act"),
        to_document("act"),
        sqlite_with_rowid=False,
    )


def to_document(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_document_id_document"
    return sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=name, ondelete="CASCADE")
