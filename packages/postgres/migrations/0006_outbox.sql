-- Instead of the transaction that wrote a row last, by which every gateway asked for everybody's changes: a transaction notes what
-- it is about to publish, and the note goes when that is confirmed. DECISIONS 36. The indexes on xid go with their columns.

alter table events drop column xid;
alter table members drop column xid;
alter table receipts drop column xid;
alter table markers drop column xid;
alter table users drop column xid;

-- Frames as core/src/model/outbox.ts has them.
create table outbox (
  id uuid primary key,
  at timestamptz not null default clock_timestamp(),
  frames json not null
);
create index outbox_by_age on outbox (at);

-- The deletion of old events walks by their times now, from the beginning once more.
create index events_by_age on events (created_at);
alter table pruning drop column walked_xid, add column walked_at timestamptz not null default '-infinity';
alter table pruning alter column walked_at drop default;
