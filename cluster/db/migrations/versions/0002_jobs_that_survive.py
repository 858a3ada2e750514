"""Jobs that survive: owners, priorities, tries and crashes of steps; clips, takes, attempts and budgets."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("limit_usd", sa.BigInteger(), nullable=False),
        sa.Column("reserved_usd", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent_usd", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reserved_usd + spent_usd <= limit_usd", name="ck_budgets_limit"),
        sa.CheckConstraint("reserved_usd >= 0 AND spent_usd >= 0", name="ck_budgets_positive"),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("step_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("input_hash", sa.String(), nullable=False),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("prediction_id", sa.String(), nullable=True),
        sa.Column("reserved_usd", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("intent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('intent','submitted','succeeded','failed','rejected','abandoned')", name="ck_attempts_state"
        ),
        sa.CheckConstraint("reserved_usd >= 0 AND cost_usd >= 0", name="ck_attempts_money"),
        sa.ForeignKeyConstraint(
            ["step_id"],
            ["steps.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("prediction_id"),
        sa.UniqueConstraint("subject_id", "number", name="uq_attempts_number"),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("ix_attempts_step", ["step_id"], unique=False)
        batch_op.create_index(
            "uq_attempts_open",
            ["subject_id"],
            unique=True,
            postgresql_where=sa.text("state IN ('intent','submitted')"),
            sqlite_where=sa.text("state IN ('intent','submitted')"),
        )

    op.create_table(
        "clips",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("composition_id", sa.String(), nullable=False),
        sa.Column("shot", sa.Integer(), nullable=False),
        sa.Column("section", sa.Integer(), nullable=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("chosen_take_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("shot >= 0", name="ck_clips_shot"),
        sa.ForeignKeyConstraint(
            ["composition_id"],
            ["compositions.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("composition_id", "shot", name="uq_clips_shot"),
    )
    with op.batch_alter_table("clips", schema=None) as batch_op:
        batch_op.create_index("ix_clips_owner", ["owner_id", "id"], unique=False)

    op.create_table(
        "takes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner_id", sa.String(), nullable=False),
        sa.Column("clip_id", sa.String(), nullable=False),
        sa.Column("attempt_id", sa.String(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_key", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["attempts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["clip_id"],
            ["clips.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("clip_id", "number", name="uq_takes_number"),
    )
    with op.batch_alter_table("takes", schema=None) as batch_op:
        batch_op.create_index("ix_takes_owner", ["owner_id", "id"], unique=False)

    with op.batch_alter_table("jobs") as batch_op:
        batch_op.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("retries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("requeued_from", sa.String(), nullable=True))
        batch_op.create_index("ix_jobs_subject", ["subject_id", "id"], unique=False)

    with op.batch_alter_table("steps") as batch_op:
        batch_op.add_column(sa.Column("owner_id", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("delivery_id", sa.String(), nullable=True))
        batch_op.drop_index("ix_steps_runnable")
        batch_op.create_index("ix_steps_runnable", ["state", "priority", "owner_id", "job_id", "position"])
        batch_op.create_index("ix_steps_leases", ["state", "lease_until"])
    op.execute("UPDATE steps SET owner_id = (SELECT jobs.owner_id FROM jobs WHERE jobs.id = steps.job_id)")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE job_events ALTER COLUMN id TYPE BIGINT")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE job_events ALTER COLUMN id TYPE INTEGER")
    op.drop_index("ix_steps_leases", "steps")
    op.drop_index("ix_steps_runnable", "steps")
    op.create_index("ix_steps_runnable", "steps", ["state", "available_at"])
    op.drop_index("ix_jobs_subject", "jobs")
    # not by a batch, which would write the tables anew and drop those that others refer to
    for column in ("delivery_id", "crashes", "tries", "priority", "owner_id"):
        op.execute(f"ALTER TABLE steps DROP COLUMN {column}")
    for column in ("requeued_from", "retries", "priority"):
        op.execute(f"ALTER TABLE jobs DROP COLUMN {column}")
    for table in ("takes", "clips", "attempts", "budgets"):
        op.drop_table(table)
