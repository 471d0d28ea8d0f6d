-- The ledger and what stands around it. Common dialect of SQLite and PostgreSQL except the triggers, which PostgreSQL replaces by rights.
-- Times are milliseconds since 1970 UTC, money is whole nano-dollars, ids are their printed form (they sort by time).

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE requests (
    seq               BIGINT  NOT NULL UNIQUE,
    id                TEXT    PRIMARY KEY,
    key_id            TEXT    NOT NULL,
    started_ms        BIGINT  NOT NULL,
    closed_ms         BIGINT  NOT NULL,
    route             INTEGER NOT NULL,
    asked_model       TEXT    NOT NULL,
    stream            INTEGER NOT NULL,
    status            INTEGER NOT NULL,
    end_reason        TEXT    NOT NULL,
    failed            INTEGER NOT NULL,
    problem_code      TEXT,
    reserved          BIGINT  NOT NULL,
    charged           BIGINT  NOT NULL,
    written_off       BIGINT  NOT NULL,
    waste             BIGINT  NOT NULL,
    input_tokens      BIGINT  NOT NULL,
    output_tokens     BIGINT  NOT NULL,
    cached_tokens     BIGINT  NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    reasoning_tokens  BIGINT  NOT NULL,
    usage_source      INTEGER NOT NULL,
    provider          TEXT,
    model             TEXT,
    provider_model    TEXT,
    price_input       BIGINT,
    price_output      BIGINT,
    price_cached      BIGINT,
    price_cache_write BIGINT,
    policy            TEXT    NOT NULL,
    catalogue_version BIGINT  NOT NULL,
    seed              BIGINT  NOT NULL,
    candidates        TEXT    NOT NULL,
    excluded          TEXT    NOT NULL,
    attempts          TEXT    NOT NULL,
    client_reference  TEXT,
    idempotency_key   TEXT,
    idempotency_body  TEXT
);
CREATE INDEX requests_by_key   ON requests (key_id, id);
CREATE INDEX requests_by_model ON requests (model, id);
CREATE INDEX requests_failed   ON requests (id) WHERE failed = 1;
CREATE INDEX requests_idempotent ON requests (started_ms) WHERE idempotency_key IS NOT NULL;

CREATE TABLE entries (
    id         BIGINT PRIMARY KEY,
    kind       TEXT   NOT NULL,
    request_id TEXT,
    at_ms      BIGINT NOT NULL,
    UNIQUE (request_id, kind)
);

CREATE TABLE postings (
    entry_id BIGINT  NOT NULL REFERENCES entries (id),
    line     INTEGER NOT NULL,
    account  TEXT    NOT NULL,
    amount   BIGINT  NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (entry_id, line)
);

-- Kept in the transaction that posts; verify compares them with the postings and the requests.
CREATE TABLE balances (
    account TEXT PRIMARY KEY,
    balance BIGINT NOT NULL
);

CREATE TABLE usage_daily (
    day                TEXT   NOT NULL, -- UTC day the request began, 2026-01-31
    key_id             TEXT   NOT NULL,
    provider           TEXT   NOT NULL, -- empty: nobody served
    model              TEXT   NOT NULL, -- empty: nobody served
    requests           BIGINT NOT NULL,
    failed             BIGINT NOT NULL,
    input_tokens       BIGINT NOT NULL,
    output_tokens      BIGINT NOT NULL,
    cached_tokens      BIGINT NOT NULL,
    cache_write_tokens BIGINT NOT NULL,
    reasoning_tokens   BIGINT NOT NULL,
    charged            BIGINT NOT NULL,
    written_off        BIGINT NOT NULL,
    waste              BIGINT NOT NULL,
    PRIMARY KEY (day, key_id, provider, model)
);

CREATE TABLE keys (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE, -- HMAC-SHA-256 of the secret, hexadecimal
    tail       TEXT NOT NULL,
    limits     TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT
);
CREATE UNIQUE INDEX keys_living_name ON keys (name) WHERE revoked_ms IS NULL;

CREATE TABLE gone_offers (
    offer   TEXT PRIMARY KEY,
    gone_ms BIGINT NOT NULL,
    reason  TEXT NOT NULL
);

CREATE TRIGGER requests_no_update BEFORE UPDATE ON requests BEGIN SELECT RAISE(ABORT, 'requests are never changed'); END;
CREATE TRIGGER requests_no_delete BEFORE DELETE ON requests BEGIN SELECT RAISE(ABORT, 'requests are never deleted'); END;
CREATE TRIGGER entries_no_update  BEFORE UPDATE ON entries  BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_no_delete  BEFORE DELETE ON entries  BEGIN SELECT RAISE(ABORT, 'entries are never deleted'); END;
CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings are never changed'); END;
CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings are never deleted'); END;
