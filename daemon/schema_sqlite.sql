-- The schema of a SQLite store, version 1. Times that end in _ms are milliseconds of UTC, for people,
-- but for store_ms, due_ms, expires_ms and hold_until_ms, which are of the store's own time: it never
-- goes back. The times of the ledger are nanoseconds of CLOCK_BOOTTIME.

-- One row. When the last slot was taken, and the values that concern every node.
CREATE TABLE ledger (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	node BLOB NOT NULL CHECK (length(node) = 16),  -- the store's own id, made with it
	interval_ns INTEGER NOT NULL,   -- shortest distance between two starts, in force now
	settle_ns INTEGER NOT NULL,     -- wait of an idle daemon before its first slot
	pack INTEGER NOT NULL,          -- 1: a slot may carry several small batches
	boot_id TEXT NOT NULL,          -- the boot in which the next three were read
	last_claim INTEGER,             -- when the last slot was taken; NULL: never
	last_start INTEGER,             -- when its batch really started; NULL: not known
	ready_since INTEGER,            -- end of the last idleness, while its settle time counts; else NULL
	utc_ms INTEGER NOT NULL,        -- when this row was written: by the wall clock,
	boot_ns INTEGER NOT NULL,       -- by CLOCK_BOOTTIME,
	store_ms INTEGER NOT NULL,      -- and in the store's time
	next_seq INTEGER NOT NULL,      -- the next submission number
	next_num INTEGER NOT NULL,      -- the next internal number of an ingestion
	uploads INTEGER NOT NULL CHECK (uploads >= 0),        -- lists that are not sealed yet
	upload_ids INTEGER NOT NULL CHECK (upload_ids >= 0),  -- ids in these
	notices INTEGER NOT NULL CHECK (notices >= 0)         -- ends that were not told yet
) STRICT;

-- One row. What people, or the other side, have said about starting batches at all.
CREATE TABLE control (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	pause INTEGER NOT NULL CHECK (pause BETWEEN 0 AND 2),  -- 0 none, 1 paused, 2 draining
	pause_until_ms INTEGER NOT NULL,  -- UTC, when it ends by itself; 0: it does not
	paused_by TEXT NOT NULL,          -- who set these, or ended it; '' for nobody
	paused_ms INTEGER NOT NULL,       -- and when; 0: never
	hold_until_ms INTEGER NOT NULL,   -- nothing is started before; 0: it may be
	rate_ns INTEGER NOT NULL,         -- the interval that was set instead of the option's; 0: none
	rated_by TEXT NOT NULL,
	rated_ms INTEGER NOT NULL
) STRICT;

-- One row per priority: what stands in its line and what has become of the rest, so that nobody has to
-- count. Batches first, then ingestions (i_), by their status.
CREATE TABLE lane (
	priority INTEGER PRIMARY KEY CHECK (priority BETWEEN 1 AND 3),  -- 1 HIGH, 2 MEDIUM, 3 LOW
	ids INTEGER NOT NULL CHECK (ids >= 0),                  -- in batches that stand in line
	yet_to_start INTEGER NOT NULL CHECK (yet_to_start >= 0),
	triggered INTEGER NOT NULL CHECK (triggered >= 0),
	retrying INTEGER NOT NULL CHECK (retrying >= later),
	later INTEGER NOT NULL CHECK (later >= 0),              -- of the retrying ones: not due yet
	completed INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	cancelled INTEGER NOT NULL,
	i_yet_to_start INTEGER NOT NULL CHECK (i_yet_to_start >= 0),
	i_triggered INTEGER NOT NULL CHECK (i_triggered >= 0),
	i_completed INTEGER NOT NULL,
	i_failed INTEGER NOT NULL,
	i_receiving INTEGER NOT NULL CHECK (i_receiving >= 0),
	i_cancelled INTEGER NOT NULL,
	i_cancelling INTEGER NOT NULL CHECK (i_cancelling >= 0)
) STRICT;

INSERT INTO lane SELECT column1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
	FROM (VALUES (1), (2), (3));
INSERT INTO ledger VALUES (1, randomblob(16), 0, 0, 0, '', NULL, NULL, NULL, 0, 0, 0, 1, 1, 0, 0, 0);
INSERT INTO control VALUES (1, 0, 0, '', 0, 0, 0, '', 0);

-- One row per submitted list.
CREATE TABLE ingestion (
	num INTEGER PRIMARY KEY,        -- stable internal number; keys chunk and batch
	stage INTEGER NOT NULL,         -- 0 sealed, 1 receiving (an upload), 2 cancelled (a given-up upload)
	seq INTEGER NOT NULL,           -- submission number: the place in the line; 0: not sealed
	uuid BLOB NOT NULL,             -- the ingestion id, 16 bytes, version 7
	priority INTEGER NOT NULL,      -- 1 HIGH, 2 MEDIUM, 3 LOW
	asked_priority INTEGER NOT NULL, -- what it was submitted with: the key stands for that
	label TEXT NOT NULL,            -- of the user; '' for none
	batch_size INTEGER NOT NULL,    -- frozen at submission: batch borders never move
	id_count INTEGER NOT NULL,      -- of an upload: what has arrived
	batch_count INTEGER NOT NULL,   -- 0 until it is sealed
	next_batch INTEGER NOT NULL,    -- index of the first batch that was never started
	end_batch INTEGER NOT NULL      -- those from here on were cancelled before they ever started; next_batch
		CHECK (end_batch = batch_count OR end_batch = next_batch),  -- or, where there are none, batch_count
	triggered INTEGER NOT NULL,     -- batches in this state; the next four too. The rest of the
	retrying INTEGER NOT NULL,      -- batches has not started: end_batch - next_batch
	completed INTEGER NOT NULL,
	failed INTEGER NOT NULL,
	cancelled INTEGER NOT NULL,     -- with those that never started
	ids_completed INTEGER NOT NULL, -- the sums over its batches; the next five too
	ids_failed INTEGER NOT NULL,
	ids_cancelled INTEGER NOT NULL,
	ids_unknown INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	retries INTEGER NOT NULL,       -- attempts that were not the first of their batch
	version INTEGER NOT NULL,       -- grows with every change
	created_ms INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,    -- first start; 0: not yet
	finished_ms INTEGER NOT NULL,   -- last outcome, or when it was cancelled; 0: it is not final
	cancelled_by TEXT,              -- who wished it to be given up; NULL: nobody. Until it is final, it
	                                -- is being cancelled: nothing of it is started any more
	cancelled_ms INTEGER NOT NULL,  -- when those that never started were cancelled; 0: there are none
	principal TEXT,                 -- whose key it is
	key TEXT,                       -- the client's name for the submission; NULL: none, or forgotten
	digest BLOB,                    -- what the key stands for; while receiving: of the full chunks
	expires_ms INTEGER,             -- when the upload, the key, or what is left of it goes; NULL: nothing
	ids BLOB                        -- a list of at most 64 ids, packed as in chunk; NULL: see there
) STRICT;

CREATE UNIQUE INDEX ingestion_uuid ON ingestion (uuid);
CREATE UNIQUE INDEX ingestion_seq ON ingestion (seq) WHERE seq > 0;
CREATE UNIQUE INDEX ingestion_key ON ingestion (key, principal) WHERE key IS NOT NULL;

-- What time will make due.
CREATE INDEX ingestion_expiry ON ingestion (expires_ms) WHERE expires_ms IS NOT NULL;

-- The lines themselves: who has a batch that was never started. The head of a lane is its first row.
CREATE UNIQUE INDEX ingestion_line ON ingestion (priority, seq) WHERE next_batch < end_batch;

-- Where something is left to be cancelled.
CREATE INDEX ingestion_cancelling ON ingestion (num) WHERE cancelled_by IS NOT NULL AND finished_ms = 0;

-- The ids of longer lists, so that a batch in the middle costs what the first one costs.
CREATE TABLE chunk (
	key INTEGER PRIMARY KEY,        -- num * 131072 + number of the chunk in its list, from 0
	ids BLOB NOT NULL               -- exactly 1024 ids (the last chunk: the rest), 8 bytes each,
	                                -- little-endian
) STRICT;

-- One row per batch, once it has started.
CREATE TABLE batch (
	num INTEGER NOT NULL,           -- of the ingestion
	idx INTEGER NOT NULL,           -- its place in the ingestion, from 0
	owner INTEGER NOT NULL,         -- the node that claimed it the last time: 0, there is but one
	status INTEGER NOT NULL         -- triggered, retrying, completed, failed, cancelled
		CHECK (status BETWEEN 1 AND 5),
	attempts INTEGER NOT NULL,      -- those that count; the number of the current one
	attempts_base INTEGER NOT NULL, -- those before it was last retried by somebody's wish
	ids_completed INTEGER NOT NULL, -- ids with this outcome; the rest is to be tried (again)
	ids_failed INTEGER NOT NULL,
	ids_cancelled INTEGER NOT NULL,
	ids_unknown INTEGER NOT NULL,
	started_ms INTEGER NOT NULL,    -- of the last attempt; 0: not known (yet)
	finished_ms INTEGER NOT NULL,   -- 0: not yet
	error TEXT,                     -- why the last attempt that ended failed; else NULL
	renewed INTEGER NOT NULL,       -- 1: that was before it was last retried by somebody's wish, and
	                                -- is no error of its ids any more
	PRIMARY KEY (num, idx)
) STRICT, WITHOUT ROWID;

-- What runs now; after a crash: what was interrupted.
CREATE INDEX batch_running ON batch (num, idx) WHERE status = 1;

-- What can be retried by somebody's wish.
CREATE INDEX batch_given_up ON batch (num, idx) WHERE status = 4;
CREATE INDEX batch_cancelled ON batch (num, idx) WHERE status = 5;

-- Where a report of failed ids has to look.
CREATE INDEX batch_failed ON batch (num, idx) WHERE ids_failed > 0;

-- One row per id whose story is not that of its batch. Without a row an id is completed in a completed
-- batch, failed in a failed one, cancelled in a cancelled one, else pending, and the row of the batch has
-- attempts, times and error.
CREATE TABLE result (
	num INTEGER NOT NULL,           -- of the ingestion
	pos INTEGER NOT NULL,           -- its place in the list, from 0
	outcome INTEGER NOT NULL        -- 1 completed, 2 failed, 3 cancelled, 4 unknown; 0: that of its batch,
		CHECK (outcome BETWEEN 0 AND 4),  -- pending or cancelled, but with another error
	attempts INTEGER NOT NULL,      -- number of the attempt that ended it, and when that began and
	started_ms INTEGER NOT NULL,    -- ended; 0 where the row of the batch has them
	finished_ms INTEGER NOT NULL,
	error TEXT,                     -- why it failed the last time; else NULL
	PRIMARY KEY (num, pos)
) STRICT, WITHOUT ROWID;

-- What the handler wrote in the last attempt that ended, if anything.
CREATE TABLE output (
	num INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	out TEXT,                       -- NULL: nothing
	out_bytes INTEGER NOT NULL,     -- how much it was before it was cut
	err TEXT,
	err_bytes INTEGER NOT NULL,
	PRIMARY KEY (num, idx)
) STRICT, WITHOUT ROWID;

-- Batches that stand in line again after an attempt that was not the last, with their old key.
CREATE TABLE redo (
	priority INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	num INTEGER NOT NULL,
	ids INTEGER NOT NULL,           -- how many are left
	PRIMARY KEY (priority, seq, idx)
) STRICT, WITHOUT ROWID;

-- Those that will when their time has come, and what they will stand there with.
CREATE TABLE backoff (
	due_ms INTEGER NOT NULL,
	num INTEGER NOT NULL,
	idx INTEGER NOT NULL,
	priority INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	ids INTEGER NOT NULL,
	PRIMARY KEY (due_ms, num, idx)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX backoff_batch ON backoff (num, priority, idx);

-- Ingestions that have become final, which somebody is to be told.
CREATE TABLE notice (
	num INTEGER PRIMARY KEY,
	due_ms INTEGER NOT NULL,
	attempts INTEGER NOT NULL       -- how often it was tried
) STRICT;

CREATE INDEX notice_due ON notice (due_ms, num);
