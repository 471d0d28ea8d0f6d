-- The ledger and what stands around it. Common dialect of SQLite and PostgreSQL except the triggers, which
-- PostgreSQL replaces by rights, and the view, whose JSON functions have other names there.
-- Times are milliseconds since 1970 UTC, money is whole nano-dollars, ids are their printed form (they sort by time).

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One closed request. What questions are asked by is a column; the whole decision record is the journal's own bytes.
CREATE TABLE requests (
    seq                INTEGER PRIMARY KEY, -- without gaps, in the order of closing
    id                 TEXT    NOT NULL UNIQUE,
    entry_id           BIGINT,              -- its line in entries; NULL when no money moved
    key_id             TEXT    NOT NULL,
    started_ms         BIGINT  NOT NULL,
    asked_model        TEXT    NOT NULL,
    provider           TEXT,
    model              TEXT,
    end_reason         TEXT    NOT NULL,
    failed             INTEGER NOT NULL,
    idempotent         INTEGER NOT NULL,
    input_tokens       BIGINT  NOT NULL,
    output_tokens      BIGINT  NOT NULL,
    cached_tokens      BIGINT  NOT NULL,
    cache_write_tokens BIGINT  NOT NULL,
    reasoning_tokens   BIGINT  NOT NULL,
    reserved           BIGINT  NOT NULL,
    charged            BIGINT  NOT NULL,
    written_off        BIGINT  NOT NULL,
    waste              BIGINT  NOT NULL,
    record             BLOB    NOT NULL
);
CREATE INDEX requests_by_key     ON requests (key_id, id);
CREATE INDEX requests_failed     ON requests (id) WHERE failed = 1;
CREATE INDEX requests_idempotent ON requests (started_ms) WHERE idempotent = 1;

-- One line per closed request or grant: all it moved, as [[kind, account, amount], ...]. Four rows a request would say the same for five times the work.
CREATE TABLE entries (
    id         INTEGER PRIMARY KEY,         -- without gaps
    request_id TEXT,
    at_ms      BIGINT  NOT NULL,
    postings   TEXT    NOT NULL
);

-- The same, a row per posting: what verify and people with questions read.
CREATE VIEW postings AS
    SELECT e.id AS entry_id, p.key + 1 AS line, json_extract(p.value, '$[0]') AS kind, json_extract(p.value, '$[1]') AS account,
           json_extract(p.value, '$[2]') AS amount
    FROM entries e, json_each(e.postings) p;

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
