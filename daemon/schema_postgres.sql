-- The schema of a PostgreSQL store, version 1: all of it in the schema "ingestd". Numbers are bigint
-- throughout. Times that end in _ms are milliseconds of UTC, for people and by the clock of the node that
-- wrote them, but for store_ms, due_ms, expires_ms, hold_until_ms, lease_ms and seen_ms, which are by the
-- clock of the database; so are those of the ledger, in nanoseconds since 1970.

BEGIN;

-- Only one at a time makes it.
SELECT pg_advisory_xact_lock(1768843108, 0);

CREATE SCHEMA IF NOT EXISTS ingestd;
SET LOCAL search_path = ingestd;

-- One row. What the tables are.
CREATE TABLE meta (
	one bigint PRIMARY KEY CHECK (one = 1),
	version bigint NOT NULL,
	migrating bytea                 -- the id of the store from which rows are being copied; NULL: none
);
INSERT INTO meta VALUES (1, 1, NULL);

-- One row that never changes. Who changes anything locks it first, so that all nodes take turns; it has
-- no old versions, however long others look at what was there before.
CREATE TABLE ledger (
	one bigint PRIMARY KEY CHECK (one = 1),
	node bytea NOT NULL CHECK (length(node) = 16)  -- the store's own id, made with it
);
INSERT INTO ledger VALUES (1, decode(md5(random()::text || clock_timestamp()::text), 'hex'));

-- What the ledger says. Each turn adds a row and removes the one before it: the newest is found at the
-- end of the index at once, while rows that are kept for somebody's long transaction lie behind it.
CREATE TABLE moment (
	turn bigint PRIMARY KEY,
	store_ms bigint NOT NULL,       -- when it was written; never goes back
	interval_ns bigint NOT NULL,    -- shortest distance between two starts, in force now
	settle_ns bigint NOT NULL,      -- wait of idle nodes before the first slot
	pack bigint NOT NULL,           -- 1: a slot may carry several small batches
	last_claim bigint,              -- when the last slot was taken; NULL: never
	last_start bigint,              -- when its batch really started; until that is known, the latest moment
	                                -- at which it may
	ready_since bigint,             -- end of the last idleness, while its settle time counts; else NULL
	next_seq bigint NOT NULL,       -- the next submission number
	next_num bigint NOT NULL,       -- the next internal number of an ingestion
	uploads bigint NOT NULL CHECK (uploads >= 0),        -- lists that are not sealed yet
	upload_ids bigint NOT NULL CHECK (upload_ids >= 0),  -- ids in these
	notices bigint NOT NULL CHECK (notices >= 0),        -- ends that were not told yet
	pause bigint NOT NULL CHECK (pause BETWEEN 0 AND 2), -- 0 none, 1 paused, 2 draining
	pause_until_ms bigint NOT NULL, -- when it ends by itself; 0: it does not
	paused_by text NOT NULL,        -- who set these, or ended it; '' for nobody
	paused_ms bigint NOT NULL,      -- and when; 0: never
	hold_until_ms bigint NOT NULL,  -- nothing is started before; 0: it may be
	rate_ns bigint NOT NULL,        -- the interval that was set instead of the option's; 0: none
	rated_by text NOT NULL,
	rated_ms bigint NOT NULL,
	lanes bigint[] NOT NULL         -- 15 numbers for each priority, HIGH first; the view lane names them
		CHECK (cardinality(lanes) = 45 AND 0 <= ALL (lanes))
);
INSERT INTO moment VALUES (1, 0, 0, 0, 0, NULL, NULL, NULL, 1, 1, 0, 0, 0, 0, 0, '', 0, 0, 0, '', 0,
	array_fill(0::bigint, ARRAY[45]));

-- What stands in each line and what has become of the rest: batches first, then ingestions (i_).
CREATE VIEW lane AS SELECT p AS priority, v[1] AS ids, v[2] AS later, v[3] AS yet_to_start,
	v[4] AS triggered, v[5] AS retrying, v[6] AS completed, v[7] AS failed, v[8] AS cancelled,
	v[9] AS i_yet_to_start, v[10] AS i_triggered, v[11] AS i_completed, v[12] AS i_failed,
	v[13] AS i_receiving, v[14] AS i_cancelled, v[15] AS i_cancelling
	FROM (SELECT p, (SELECT lanes FROM moment ORDER BY turn DESC LIMIT 1)[15 * p - 14:15 * p] AS v
		FROM generate_series(1, 3) AS p) AS lanes;

-- One row per process that shares the store, until a day after it was last seen.
CREATE TABLE node (
	num bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- batch.owner; never given again
	uuid bytea NOT NULL,            -- the same for all processes of one name
	name text NOT NULL,
	version text NOT NULL,          -- of the program
	lease_ms bigint NOT NULL,       -- when its lease ends, or has ended
	gone bigint NOT NULL,           -- 1: its batches are back in line
	started_ms bigint NOT NULL,
	seen_ms bigint NOT NULL,
	interval_ns bigint NOT NULL,    -- how it was started; the next six, too
	settle_ns bigint NOT NULL,
	pack bigint NOT NULL,
	max_attempts bigint NOT NULL,
	batch_size bigint NOT NULL,
	concurrency bigint NOT NULL,
	guard_ns bigint NOT NULL,
	running bigint NOT NULL,        -- batches, as of seen_ms
	attempts bigint NOT NULL,       -- what it has done since it was started; the next three, too
	retries bigint NOT NULL,
	interrupted bigint NOT NULL,
	failed bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);

-- One row per submitted list.
CREATE TABLE ingestion (
	num bigint PRIMARY KEY,         -- stable internal number; keys chunk and batch
	stage bigint NOT NULL,          -- 0 sealed, 1 receiving (an upload), 2 cancelled (a given-up upload)
	seq bigint NOT NULL,            -- submission number: the place in the line; 0: not sealed
	uuid bytea NOT NULL,            -- the ingestion id, 16 bytes, version 7
	priority bigint NOT NULL,       -- 1 HIGH, 2 MEDIUM, 3 LOW
	asked_priority bigint NOT NULL, -- what it was submitted with: the key stands for that
	label text NOT NULL,            -- of the user; '' for none
	batch_size bigint NOT NULL,     -- frozen at submission: batch borders never move
	id_count bigint NOT NULL,       -- of an upload: what has arrived
	batch_count bigint NOT NULL,    -- 0 until it is sealed
	next_batch bigint NOT NULL,     -- index of the first batch that was never started
	end_batch bigint NOT NULL       -- those from here on were cancelled before they ever started
		CHECK (end_batch = batch_count OR end_batch = next_batch),
	triggered bigint NOT NULL,      -- batches in this state; the next four too. The rest of the
	retrying bigint NOT NULL,       -- batches has not started: end_batch - next_batch
	completed bigint NOT NULL,
	failed bigint NOT NULL,
	cancelled bigint NOT NULL,      -- with those that never started
	ids_completed bigint NOT NULL,  -- the sums over its batches; the next five too
	ids_failed bigint NOT NULL,
	ids_cancelled bigint NOT NULL,
	ids_unknown bigint NOT NULL,
	attempts bigint NOT NULL,
	retries bigint NOT NULL,        -- attempts that were not the first of their batch
	version bigint NOT NULL,        -- grows with every change
	created_ms bigint NOT NULL,
	started_ms bigint NOT NULL,     -- first start; 0: not yet
	finished_ms bigint NOT NULL,    -- last outcome, or when it was cancelled; 0: it is not final
	cancelled_by text,              -- who wished it to be given up; NULL: nobody. Until it is final, it
	                                -- is being cancelled: nothing of it is started any more
	cancelled_ms bigint NOT NULL,   -- when those that never started were cancelled; 0: there are none
	principal text,                 -- whose key it is
	key text,                       -- the client's name for the submission; NULL: none, or forgotten
	digest bytea,                   -- what the key stands for; while receiving: of the full chunks
	expires_ms bigint,              -- when the upload, the key, or what is left of it goes; NULL: nothing
	ids bytea                       -- a list of at most 64 ids, packed as in chunk; NULL: see there
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_cost_delay = 1);

CREATE UNIQUE INDEX ingestion_uuid ON ingestion (uuid);
CREATE UNIQUE INDEX ingestion_seq ON ingestion (seq) WHERE seq > 0;
CREATE UNIQUE INDEX ingestion_key ON ingestion (key, principal) WHERE key IS NOT NULL;

-- What time will make due.
CREATE INDEX ingestion_expiry ON ingestion (expires_ms, num) WHERE expires_ms IS NOT NULL;

-- The lines themselves: who has a batch that was never started. The head of a lane is its first row.
CREATE UNIQUE INDEX ingestion_line ON ingestion (priority, seq) WHERE next_batch < end_batch;

-- Where something is left to be cancelled.
CREATE INDEX ingestion_cancelling ON ingestion (num) WHERE cancelled_by IS NOT NULL AND finished_ms = 0;

-- The ids of longer lists, so that a batch in the middle costs what the first one costs.
CREATE TABLE chunk (
	key bigint PRIMARY KEY,         -- num * 131072 + number of the chunk in its list, from 0
	ids bytea NOT NULL              -- exactly 1024 ids (the last chunk: the rest), 8 bytes each,
	                                -- little-endian
);
-- A batch reads a few bytes of it: without compression these are all that is fetched.
ALTER TABLE chunk ALTER COLUMN ids SET STORAGE EXTERNAL;

-- One row per batch, once it has started.
CREATE TABLE batch (
	num bigint NOT NULL,            -- of the ingestion
	idx bigint NOT NULL,            -- its place in the ingestion, from 0
	owner bigint NOT NULL,          -- the node that claimed it the last time
	status bigint NOT NULL          -- triggered, retrying, completed, failed, cancelled
		CHECK (status BETWEEN 1 AND 5),
	attempts bigint NOT NULL,       -- those that count; the number of the current one
	attempts_base bigint NOT NULL,  -- those before it was last retried by somebody's wish
	ids_completed bigint NOT NULL,  -- ids with this outcome; the rest is to be tried (again)
	ids_failed bigint NOT NULL,
	ids_cancelled bigint NOT NULL,
	ids_unknown bigint NOT NULL,
	started_ms bigint NOT NULL,     -- of the last attempt; 0: not known (yet)
	finished_ms bigint NOT NULL,    -- 0: not yet
	error text,                     -- why the last attempt that ended failed; else NULL
	renewed bigint NOT NULL,        -- 1: that was before it was last retried by somebody's wish, and
	                                -- is no error of its ids any more
	PRIMARY KEY (num, idx)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_cost_delay = 1);

-- What runs now, and where; after a crash: what was interrupted.
CREATE INDEX batch_running ON batch (owner, num, idx) WHERE status = 1;

-- What can be retried by somebody's wish.
CREATE INDEX batch_given_up ON batch (num, idx) WHERE status = 4;
CREATE INDEX batch_cancelled ON batch (num, idx) WHERE status = 5;

-- Where a report of failed ids has to look.
CREATE INDEX batch_failed ON batch (num, idx) WHERE ids_failed > 0;

-- One row per id whose story is not that of its batch. Without a row an id is completed in a completed
-- batch, failed in a failed one, cancelled in a cancelled one, else pending, and the row of the batch has
-- attempts, times and error.
CREATE TABLE result (
	num bigint NOT NULL,            -- of the ingestion
	pos bigint NOT NULL,            -- its place in the list, from 0
	outcome bigint NOT NULL         -- 1 completed, 2 failed, 3 cancelled, 4 unknown; 0: that of its batch,
		CHECK (outcome BETWEEN 0 AND 4),  -- pending or cancelled, but with another error
	attempts bigint NOT NULL,       -- number of the attempt that ended it, and when that began and
	started_ms bigint NOT NULL,     -- ended; 0 where the row of the batch has them
	finished_ms bigint NOT NULL,
	error text,                     -- why it failed the last time; else NULL
	PRIMARY KEY (num, pos)
);

-- What the handler wrote in the last attempt that ended, if anything.
CREATE TABLE output (
	num bigint NOT NULL,
	idx bigint NOT NULL,
	out text,                       -- NULL: nothing
	out_bytes bigint NOT NULL,      -- how much it was before it was cut
	err text,
	err_bytes bigint NOT NULL,
	PRIMARY KEY (num, idx)
);

-- Batches that stand in line again after an attempt that was not the last, with their old key.
CREATE TABLE redo (
	priority bigint NOT NULL,
	seq bigint NOT NULL,
	idx bigint NOT NULL,
	num bigint NOT NULL,
	ids bigint NOT NULL,            -- how many are left
	PRIMARY KEY (priority, seq, idx)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_cost_delay = 1);

-- Those that will when their time has come, and what they will stand there with.
CREATE TABLE backoff (
	due_ms bigint NOT NULL,
	num bigint NOT NULL,
	idx bigint NOT NULL,
	priority bigint NOT NULL,
	seq bigint NOT NULL,
	ids bigint NOT NULL,
	PRIMARY KEY (due_ms, num, idx)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_cost_delay = 1);

CREATE UNIQUE INDEX backoff_batch ON backoff (num, priority, idx);

-- Ingestions that have become final, which somebody is to be told.
CREATE TABLE notice (
	num bigint PRIMARY KEY,
	due_ms bigint NOT NULL,
	attempts bigint NOT NULL        -- how often it was tried
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);

CREATE INDEX notice_due ON notice (due_ms, num);

ALTER TABLE moment SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
	autovacuum_vacuum_cost_delay = 0);

COMMIT;
