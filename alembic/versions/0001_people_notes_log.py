"""people, notes and their log"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Id = sa.String(22)


def upgrade() -> None:
    people()
    notes()
    log()


def people() -> None:
    op.create_table(
        "role",
        sa.Column("id", Number, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("description", sa.String(255)),
        sa.Column("permissions", sa.UnicodeText()),
        sa.Column("update_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_role"),
        sa.UniqueConstraint("name", name="uq_role_name"),
    )
    op.create_table(
        "user",
        sa.Column("id", Number, nullable=False),
        sa.Column("email", sa.String(255)),
        sa.Column("username", sa.String(255)),
        sa.Column("password", sa.String(255)),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(64), nullable=False),
        sa.Column("confirmed_at", sa.DateTime()),
        sa.Column("last_login_at", sa.DateTime()),
        sa.Column("current_login_at", sa.DateTime()),
        sa.Column("last_login_ip", sa.String(64)),
        sa.Column("current_login_ip", sa.String(64)),
        sa.Column("login_count", Number),
        sa.Column("tf_primary_method", sa.String(64)),
        sa.Column("tf_totp_secret", sa.String(255)),
        sa.Column("tf_phone_number", sa.String(128)),
        sa.Column("us_totp_secrets", sa.Text()),
        sa.Column("us_phone_number", sa.String(128)),
        sa.Column("fs_webauthn_user_handle", sa.String(64)),
        sa.Column("mf_recovery_codes", sa.UnicodeText()),
        sa.Column("create_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("update_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("guest", sa.Boolean(), nullable=False),
        sa.Column("created", Number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("email", name="uq_user_email"),
        sa.UniqueConstraint("fs_uniquifier", name="uq_user_fs_uniquifier"),
        sa.UniqueConstraint("fs_webauthn_user_handle", name="uq_user_fs_webauthn_user_handle"),
        sa.UniqueConstraint("us_phone_number", name="uq_user_us_phone_number"),
        sa.UniqueConstraint("username", name="uq_user_username"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "roles_users",
        sa.Column("user_id", Number, nullable=False),
        sa.Column("role_id", Number, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "role_id", name="pk_roles_users"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_roles_users_user_id_user"),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name="fk_roles_users_role_id_role"),
    )
    op.create_table(
        "webauthn",
        sa.Column("id", Number, nullable=False),
        sa.Column("credential_id", sa.LargeBinary(1024), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", Number),
        sa.Column("transports", sa.UnicodeText()),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("device_type", sa.String(64), nullable=False),
        sa.Column("extensions", sa.String(255)),
        sa.Column("create_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("lastuse_datetime", sa.DateTime(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("usage", sa.String(64), nullable=False),
        sa.Column("user_id", Number, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webauthn"),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_webauthn_user_id_user", ondelete="CASCADE"),
    )
    op.create_index("ix_webauthn_credential_id", "webauthn", ["credential_id"], unique=True)
    op.create_table(
        "setting",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_setting"),
    )


def notes() -> None:
    op.create_table(
        "document",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Number, nullable=False),
        sa.Column("epoch", Id, nullable=False),
        sa.Column("head_seq", Number, nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("snapshot_seq", Number, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("digest_seq", Number, nullable=False),
        sa.Column("created", Number, nullable=False),
        sa.Column("updated", Number, nullable=False),
        sa.Column("deleted", Number),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name="fk_document_owner_id_user"),
    )
    op.create_index("ix_document_owner_id", "document", ["owner_id"])
    op.create_table(
        "share",
        sa.Column("id", Number, nullable=False),
        sa.Column("document_id", Id, nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created", Number, nullable=False),
        sa.Column("created_by", Number, nullable=False),
        sa.Column("revoked", Number),
        sa.PrimaryKeyConstraint("id", name="pk_share"),
        sa.UniqueConstraint("token", name="uq_share_token"),
        sa.CheckConstraint("role IN ('viewer', 'commenter', 'editor')", name=op.f("ck_share_role")),
        sa.ForeignKeyConstraint(["created_by"], ["user.id"], name="fk_share_created_by_user"),
        to_document("share"),
    )
    op.create_index("ix_share_document_id", "share", ["document_id"])
    op.create_index(
        "ix_share_open",
        "share",
        ["document_id"],
        unique=True,
        sqlite_where=sa.text("revoked IS NULL"),
        postgresql_where=sa.text("revoked IS NULL"),
    )
    op.create_table(
        "member",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("user_id", Number, nullable=False),
        sa.Column("share_id", Number),
        sa.Column("slot", Number, nullable=False),
        sa.Column("first_seen", Number, nullable=False),
        sa.Column("last_seen_seq", Number, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "user_id", name="pk_member"),
        sa.CheckConstraint("slot BETWEEN 1 AND 12", name=op.f("ck_member_slot")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_member_user_id_user"),
        sa.ForeignKeyConstraint(["share_id"], ["share.id"], name="fk_member_share_id_share", ondelete="SET NULL"),
        to_document("member"),
    )
    op.create_index("ix_member_user_id", "member", ["user_id"])


def log() -> None:
    op.create_table(
        "entry",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("seq", Number, nullable=False),
        sa.Column("user_id", Number),
        sa.Column("session_id", Number, nullable=False),
        sa.Column("time", Number, nullable=False),
        sa.Column("update", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "seq", name="pk_entry"),
        to_document("entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("seq", Number, nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("state_vector", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("document_id", "seq", name="pk_snapshot"),
        to_document("snapshot"),
    )
    op.create_table(
        "client",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("client_id", Number, nullable=False),
        sa.Column("user_id", Number),
        sa.PrimaryKeyConstraint("document_id", "client_id", name="pk_client"),
        to_document("client"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "version",
        sa.Column("document_id", Id, nullable=False),
        sa.Column("seq", Number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", Number),
        sa.Column("time", Number, nullable=False),
        sa.PrimaryKeyConstraint("document_id", "seq", name="pk_version"),
        to_document("version"),
    )


def to_document(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_document_id_document"
    return sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=name, ondelete="CASCADE")
