/** What is asked of PostgreSQL: the tables in which gateways leave rows for one another, and the statements over them. */

import { BODY_MAX } from './shared-rows.ts';

/** The tables, step by step. */
export const STEPS: readonly string[] = [
  `CREATE TABLE gateways (
     id uuid PRIMARY KEY,
     -- the number of its last exchange, and of the last that brought rows
     rev bigint NOT NULL,
     rows_rev bigint NOT NULL,
     seen timestamptz NOT NULL,
     living bytea NOT NULL,
     living_rev bigint NOT NULL
   );
   CREATE TABLE rows (
     name bytea NOT NULL CHECK (octet_length(name) = 16),
     part bigint NOT NULL,
     gateway uuid NOT NULL,
     body bytea NOT NULL CHECK (octet_length(body) <= ${BODY_MAX}),
     until bigint NOT NULL,
     rev bigint NOT NULL,
     PRIMARY KEY (name, part, gateway)
   ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000);
   ALTER TABLE rows ALTER COLUMN body SET STORAGE PLAIN;
   CREATE INDEX rows_by_rev ON rows (gateway, rev);
   CREATE TABLE secret (
     one boolean PRIMARY KEY DEFAULT true CHECK (one),
     key bytea NOT NULL CHECK (octet_length(key) = 32),
     -- of the key that names are made with
     proof bytea NOT NULL
   );`,
];

/** A gateway that was not seen for so long has no calls any more. By the clock of the database. */
const DEAD = "interval '5 s'";
/** No gateway has so many calls that what it says of them is longer. */
const LIVING_MAX = 16 * 1024 * 1024;
/** There are no more, those included that ended within the longest window. What is more would fill the memory of all. */
export const MOST_GATEWAYS = 50_000;
/** Rows that one statement writes, reads or deletes at most. */
export const PAGE = 20_000;

/** Writes what a gateway says, and tells what others said. */
// The main query sees what was there before; the rest happens all the same (PostgreSQL 7.8.4, "Data-Modifying Statements in WITH").
export const SAY = `
  WITH me AS (
    INSERT INTO gateways AS g (id, rev, rows_rev, seen, living, living_rev)
    VALUES ($1::uuid, $2::bigint, CASE WHEN cardinality($4::bigint[]) > 0 THEN $2 ELSE 0 END, clock_timestamp(), $3::bytea, $2)
    ON CONFLICT (id) DO UPDATE SET
      rev = excluded.rev, seen = excluded.seen, living = excluded.living,
      rows_rev = greatest(g.rows_rev, excluded.rows_rev),
      living_rev = CASE WHEN g.living = excluded.living THEN g.living_rev ELSE excluded.rev END
    WHERE g.rev < excluded.rev
  ), mine AS (
    INSERT INTO rows AS r (name, part, gateway, body, until, rev)
    SELECT substring($8::bytea FROM (16 * n - 15)::int FOR 16), part, $1,
      substring($9::bytea FROM at + 1 FOR length), until, $2
    FROM unnest($4::bigint[], $5::int[], $6::int[], $7::bigint[]) WITH ORDINALITY AS m(part, at, length, until, n)
    ON CONFLICT (name, part, gateway) DO UPDATE SET body = excluded.body, until = excluded.until, rev = excluded.rev
    WHERE r.rev < excluded.rev
  )
  SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
    (SELECT rev FROM gateways WHERE id = $1) AS was,
    o.id, o.rows_rev, o.alive, o.living_rev, o.living
  FROM (SELECT 1) AS always LEFT JOIN (
    SELECT g.id, g.rows_rev, g.seen > clock_timestamp() - ${DEAD} AS alive, g.living_rev,
      CASE WHEN g.living_rev > coalesce(known.rev, -1) AND octet_length(g.living) <= ${LIVING_MAX} THEN g.living END AS living
    FROM gateways g LEFT JOIN unnest($10::uuid[], $11::bigint[]) AS known(id, rev) ON known.id = g.id
    WHERE g.id <> $1 LIMIT ${MOST_GATEWAYS + 1}
  ) AS o ON true`;

/** Reads a page of the rows whose name and part others have changed. */
export const HEAR = `
  WITH changed AS MATERIALIZED (
    SELECT DISTINCT r.name, r.part
    FROM unnest($1::uuid[], $2::bigint[]) AS mark(gateway, rev) JOIN rows r ON r.gateway = mark.gateway AND r.rev > mark.rev
  ), page AS (
    SELECT r.name, r.part, r.gateway, r.body, r.until FROM rows r JOIN changed USING (name, part)
    WHERE r.gateway <> $3 AND r.until > $4 AND octet_length(r.name) = 16 AND octet_length(r.body) <= ${BODY_MAX}
      AND (r.name, r.part, r.gateway) > ($5::bytea, $6::bigint, $7::uuid)
    ORDER BY r.name, r.part, r.gateway LIMIT ${PAGE}
  )
  SELECT count(*)::int AS count, string_agg(
    name || int8send(part) || uuid_send(gateway) || int8send(until) || int4send(octet_length(body)) || body,
    ''::bytea ORDER BY name, part, gateway) AS packed
  FROM page`;

/** Deletes a page of the rows that no longer count. */
export const SWEEP_ROWS = `
  DELETE FROM rows WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM rows WHERE until <= $1 LIMIT ${PAGE} FOR UPDATE SKIP LOCKED))`;
/** Deletes gateways that left nothing. */
export const SWEEP_GATEWAYS = `
  DELETE FROM gateways g WHERE g.seen < clock_timestamp() - interval '1 h'
    AND NOT EXISTS (SELECT FROM rows r WHERE r.gateway = g.id)`;

/** What `SAY` tells: a row for each other gateway, one without an id where there is none. */
export interface SaidRow {
  readonly now: number;
  /** Numbers of 64 bits come as text. */
  readonly was: string | null;
  readonly id: string | null;
  readonly rows_rev: string;
  readonly alive: boolean;
  readonly living_rev: string;
  readonly living: Buffer | null;
}
