-- Of the tokens that a provider's cache was given, those that it keeps for an hour cost more than the others. Nothing that came before was told apart.

ALTER TABLE requests    ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_daily ADD COLUMN cache_write_hour_tokens BIGINT NOT NULL DEFAULT 0;
