"""sign-ins that have ended, and guests who have an account now"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "past_sign_in",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("ended", Number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_past_sign_in"),
        sqlite_with_rowid=False,
    )
    op.add_column("user", sa.Column("became", Number))
