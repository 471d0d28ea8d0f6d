-- Models that this server runs are metered in the time they compute, in ticks of 100 ns. Nothing that came before was.

ALTER TABLE requests    ADD COLUMN compute_ticks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_daily ADD COLUMN compute_ticks BIGINT NOT NULL DEFAULT 0;
