"""epochs that ended because something was erased"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "past_epoch",
        sa.Column("document_id", sa.String(22), nullable=False),
        sa.Column("epoch", sa.String(22), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "epoch", name="pk_past_epoch"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name="fk_past_epoch_document_id_document", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
