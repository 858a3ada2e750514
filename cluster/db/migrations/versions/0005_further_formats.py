"""Further formats of a video, made by the same job."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("compositions") as batch_op:
        batch_op.add_column(sa.Column("base_id", sa.String(), nullable=True))
        batch_op.create_foreign_key("fk_compositions_base", "compositions", ["base_id"], ["id"])
        batch_op.create_index("ix_compositions_base", ["base_id", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("compositions") as batch_op:
        batch_op.drop_index("ix_compositions_base")
        batch_op.drop_constraint("fk_compositions_base", type_="foreignkey")
        batch_op.drop_column("base_id")
