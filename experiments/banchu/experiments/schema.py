"""The ledger's tables. Facts are keyed by what they are, so writing one twice changes nothing.

A model call is keyed by its request, a verdict by (task, code): both are bought once, however many arms or resumed
processes ask for them. An episode points at the calls it used, and at its attempts.
"""

from __future__ import annotations

FORMAT = 1
"""Raised when tables change; a ledger of another format is refused with a DataError. A table more does not raise it:
where an older ledger lacks one, nothing of its kind had happened."""

TABLES = """
CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL                     -- JSON
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tasks (
    task_id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    entry_point TEXT NOT NULL,
    sealed_digest TEXT NOT NULL             -- names the sealed tests; they are not in the ledger
);

CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY,                   -- sha256 of model, prompt and sampling
    prompt TEXT NOT NULL,                   -- JSON: a string, or [[role, content], ...]
    sampling TEXT NOT NULL,                 -- JSON
    text TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    finish_reason TEXT NOT NULL,
    wall_s REAL NOT NULL,
    at TEXT NOT NULL                        -- UTC, when the answer came
);

CREATE TABLE IF NOT EXISTS call_extras (    -- of answers that brought more than text; others have no row
    key TEXT PRIMARY KEY REFERENCES calls,
    reasoning_tokens INTEGER NOT NULL,      -- of the completion tokens
    tool_calls TEXT NOT NULL,               -- JSON: [[name, arguments, id], ...]
    logprobs TEXT NOT NULL                  -- JSON: [[token, logprob, [[token, logprob], ...]], ...]
);

CREATE TABLE IF NOT EXISTS episodes (
    id INTEGER PRIMARY KEY,
    task_id TEXT NOT NULL REFERENCES tasks,
    arm TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'open',    -- open, done, failed
    stopped_by TEXT NOT NULL DEFAULT 'rounds',
    oracle_calls INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    UNIQUE (task_id, arm, repeat)
);

CREATE TABLE IF NOT EXISTS episode_calls (
    episode INTEGER NOT NULL REFERENCES episodes,
    round INTEGER NOT NULL,
    role TEXT NOT NULL,
    key TEXT NOT NULL REFERENCES calls,
    sealed_hits INTEGER NOT NULL,           -- sealed assertions found in the prompt
    PRIMARY KEY (episode, round, role)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS turns (           -- calls after the first of a role in a round: a conversation with tools
    episode INTEGER NOT NULL REFERENCES episodes,
    round INTEGER NOT NULL,
    role TEXT NOT NULL,
    turn INTEGER NOT NULL,                  -- from 1; turn 0 is in episode_calls
    key TEXT NOT NULL REFERENCES calls,
    sealed_hits INTEGER NOT NULL,
    PRIMARY KEY (episode, round, role, turn)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS tool_calls (
    episode INTEGER NOT NULL REFERENCES episodes,
    number INTEGER NOT NULL,                -- among the calls of its episode, from 0
    round INTEGER NOT NULL,
    role TEXT NOT NULL,                     -- who called
    turn INTEGER NOT NULL,                  -- after which of its answers, from 0
    tool TEXT NOT NULL,                     -- as the model wrote it; '': it could not be read
    arguments TEXT NOT NULL,                -- likewise
    result TEXT NOT NULL,                   -- what the model was told
    outcome TEXT NOT NULL,
    wall_s REAL NOT NULL,
    left_out INTEGER NOT NULL,              -- characters of the result that it was not told, for want of room
    oracle INTEGER NOT NULL,                -- the tool knows the answer
    prompt_tokens INTEGER NOT NULL,         -- of models that the tool asked
    completion_tokens INTEGER NOT NULL,     -- likewise
    PRIMARY KEY (episode, number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS attempts (
    episode INTEGER NOT NULL REFERENCES episodes,
    round INTEGER NOT NULL,
    text TEXT NOT NULL,
    code TEXT,                              -- NULL: nothing could be extracted
    code_sha TEXT NOT NULL,                 -- '' where code is NULL
    truncated INTEGER NOT NULL,
    says_done INTEGER NOT NULL,
    PRIMARY KEY (episode, round)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS verdicts (
    task_id TEXT NOT NULL REFERENCES tasks,
    code_sha TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,                   -- JSON of the whole Verdict
    PRIMARY KEY (task_id, code_sha)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS feedback (
    episode INTEGER NOT NULL REFERENCES episodes,
    round INTEGER NOT NULL,
    source TEXT NOT NULL,
    text TEXT NOT NULL,
    accepts INTEGER,                        -- NULL: the source does not say
    PRIMARY KEY (episode, round)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS reflections (
    episode INTEGER NOT NULL REFERENCES episodes,
    round INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (episode, round)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS self_tests (
    episode INTEGER NOT NULL REFERENCES episodes,
    number INTEGER NOT NULL,                -- from 0, as they were written
    source TEXT NOT NULL,                   -- one assert statement
    holds INTEGER,                          -- measured: the reference solution passes it; NULL: not known
    PRIMARY KEY (episode, number)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS choices (        -- of arms that choose or search; in others each attempt revises the last
    episode INTEGER NOT NULL REFERENCES episodes,
    round INTEGER NOT NULL,
    parent INTEGER,                         -- the attempt that this one revises; NULL: an independent sample
    chosen INTEGER NOT NULL,                -- the attempt that is the answer after this round
    PRIMARY KEY (episode, round)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS proofs (
    task_id TEXT NOT NULL REFERENCES tasks,
    tests_sha TEXT NOT NULL,                -- of a test that nobody vouches for, or of calls that were traced
    code_sha TEXT NOT NULL,
    detail TEXT NOT NULL,                   -- JSON of what came of it, which feedback is made of
    PRIMARY KEY (task_id, tests_sha, code_sha)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS splits (         -- of runs with memory across tasks; in others all tasks are measured
    task_id TEXT PRIMARY KEY REFERENCES tasks,
    split TEXT NOT NULL,                    -- train: writes lessons, and no figure holds it; test
    position INTEGER NOT NULL               -- train: in the order in which lessons count as older and younger
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS recalls (
    episode INTEGER NOT NULL REFERENCES episodes,
    round INTEGER NOT NULL,                 -- the first attempt whose prompt held it; so did all later ones
    place INTEGER NOT NULL,                 -- in the prompt, from 1; 0: nothing was found
    entry TEXT NOT NULL,                    -- its id in the memory
    origin TEXT NOT NULL,                   -- the episode that wrote it
    about TEXT NOT NULL,                    -- the task of that episode
    written INTEGER NOT NULL,               -- the round after which it was written
    outcome TEXT NOT NULL,                  -- of that episode, as far as its arm could tell
    oracle INTEGER NOT NULL,                -- written under an oracle
    score REAL NOT NULL,
    lexical_rank INTEGER,
    lexical_score REAL,
    dense_rank INTEGER,
    similarity REAL,
    sha TEXT NOT NULL,                      -- of the lesson as it was written
    text TEXT NOT NULL,                     -- what the prompt was given
    PRIMARY KEY (episode, round, place)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS embeddings (     -- by an embedder over an API, each text once
    embedder TEXT NOT NULL,
    sha TEXT NOT NULL,                      -- sha256 of the text
    vector BLOB NOT NULL,                   -- float32, little-endian
    tokens INTEGER NOT NULL,                -- of all texts that were sent together, on the first of them; else 0
    PRIMARY KEY (embedder, sha)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS memory_stages (  -- what an arm's memory gained before a stage of the run; written once
    arm TEXT NOT NULL,
    stage INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    sha TEXT NOT NULL,
    PRIMARY KEY (arm, stage)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS lessons (
    arm TEXT NOT NULL,
    stage INTEGER NOT NULL,
    number INTEGER NOT NULL,
    line TEXT NOT NULL,                     -- JSON of the memory's entry
    PRIMARY KEY (arm, stage, number)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS attempts_by_code ON attempts (code_sha);
"""

_FIRST_TURNS = (
    "CREATE TEMP VIEW used_calls AS SELECT episode, round, role, 0 AS turn, key, sealed_hits FROM main.episode_calls"
)
USED_CALLS = f"{_FIRST_TURNS} UNION ALL SELECT episode, round, role, turn, key, sealed_hits FROM main.turns"
"""Every call that an episode used, for whoever reads a ledger."""
USED_CALLS_WITHOUT_TURNS = _FIRST_TURNS
"""The same, of a ledger that is older than `turns`."""
