"""quarantine: entries that are damaged, and what they did"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "quarantine",
        sa.Column("document_id", sa.String(22), nullable=False),
        sa.Column("first_seq", Number, nullable=False),
        sa.Column("last_seq", Number, nullable=False),
        sa.Column("found", Number, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("known_seq", Number),
        sa.Column("update", sa.LargeBinary()),
        sa.Column("time", Number, nullable=False),
        sa.Column("user_id", Number),
        sa.PrimaryKeyConstraint("document_id", "first_seq", name="pk_quarantine"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name="fk_quarantine_document_id_document", ondelete="CASCADE"
        ),
    )
