CREATE TABLE night (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL UNIQUE,
    "commit" TEXT,
    host TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('silent', 'alarm', 'host', 'unstable', 'failed')),
    exit_code INTEGER NOT NULL
);
CREATE TABLE measured (
    night INTEGER NOT NULL REFERENCES night,
    "case" TEXT NOT NULL,
    environment TEXT NOT NULL,
    PRIMARY KEY (night, "case", environment)
) WITHOUT ROWID;
CREATE TABLE build (
    night INTEGER NOT NULL REFERENCES night,
    environment TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (night, environment)
) WITHOUT ROWID;
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    "case" TEXT NOT NULL,
    variant TEXT NOT NULL,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE ("case", variant, environment, name)
);
CREATE TABLE figure_since (
    series INTEGER NOT NULL REFERENCES series,
    night INTEGER NOT NULL REFERENCES night,
    value REAL,
    word TEXT,
    PRIMARY KEY (series, night)
) WITHOUT ROWID;
CREATE TABLE verdict_since (
    night INTEGER NOT NULL REFERENCES night,
    "case" TEXT NOT NULL,
    variant TEXT NOT NULL,
    environment TEXT NOT NULL,
    against TEXT NOT NULL,
    baseline TEXT NOT NULL,
    verdict TEXT,
    waived INTEGER,
    phase TEXT,
    "check" TEXT,
    PRIMARY KEY ("case", variant, environment, against, baseline, night)
) WITHOUT ROWID;
CREATE VIEW figure AS
SELECT m.night, s."case", s.variant, s.environment, s.name, f.value, f.word
FROM measured AS m
JOIN night AS n ON n.id = m.night
JOIN series AS s ON s."case" = m."case" AND s.environment = m.environment
JOIN figure_since AS f ON f.series = s.id AND f.night = (
    SELECT max(l.night) FROM figure_since AS l JOIN night AS o ON o.id = l.night
    WHERE l.series = s.id AND l.night <= m.night AND o.host = n.host)
WHERE f.value IS NOT NULL OR f.word IS NOT NULL;
CREATE VIEW verdict AS
SELECT m.night, v."case", v.variant, v.environment, v.against, v.baseline, v.verdict,
    v.waived, v.phase, v."check"
FROM measured AS m
JOIN verdict_since AS v ON v."case" = m."case" AND v.environment = m.environment
    AND v.night = (
        SELECT max(night) FROM verdict_since AS l WHERE l."case" = v."case"
            AND l.variant = v.variant AND l.environment = v.environment
            AND l.against = v.against AND l.baseline = v.baseline AND l.night <= m.night)
WHERE v.verdict IS NOT NULL;
