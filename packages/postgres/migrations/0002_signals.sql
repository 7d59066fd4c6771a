-- Presence, unread counts and room state. Again every table has room_id or user_id first, without a foreign key.

alter table users
  add column choice text not null default 'online' check (choice in ('online', 'idle', 'busy', 'appear_offline')),
  add column choice_version integer not null default 0,
  add column active_at timestamptz;
-- active_at is written whenever a user goes offline. No index has it, and xid stays, so with some free space it stays
-- on its page (HOT).
alter table users set (fillfactor = 80);
drop index users_revoked;
create index users_changed on users (xid);
create index users_by_name on users (name) where name is not null;

-- The present members of a room, without former ones.
create index members_of_room on members (room_id, user_id) where left_seq is null;

-- Without an index, as all columns of rooms that every commit changes (0001).
alter table rooms add column message_count bigint not null default 0;
update rooms r set message_count = n.count
from (select room_id, count(*) from messages group by room_id) n where n.room_id = r.room_id;

-- place counts a room's messages from 1, so that the number of messages after one is a subtraction.
alter table messages add column place bigint, add column named json;
update messages m set place = n.place
from (select room_id, seq, row_number() over (partition by room_id order by seq) as place from messages) n
where n.room_id = m.room_id and n.seq = m.seq;
alter table messages alter column place set not null;
-- No count uses this index any more: it does without the columns for counting.
alter table messages drop constraint messages_pkey, add primary key (room_id, seq);
-- The messages that are subtracted from the unread ones: the user's own, and deleted ones.
create index messages_own on messages (room_id, sender_id, seq) where delete_seq is null;
create index messages_deleted on messages (room_id, seq) where delete_seq is not null;

-- The receipts of a user that appears offline are hidden rows.
alter table receipts add column hidden boolean not null default false, add column message_place bigint;
update receipts c set message_place = coalesce(
  (select place from messages m where m.room_id = c.room_id and m.seq <= c.message_seq order by m.seq desc limit 1), 0);
alter table receipts
  alter column message_place set not null,
  drop constraint receipts_pkey,
  add primary key (room_id, user_id, hidden);
create index receipts_hidden on receipts (user_id) where hidden;

-- The users that messages mention, without authors and deleted messages.
create table mentions (
  room_id uuid not null,
  seq bigint not null,
  user_id text collate "C" not null,
  primary key (room_id, seq, user_id)
);
create index mentions_of_user on mentions (room_id, user_id, seq);
insert into mentions
select distinct m.room_id, m.seq, n.user_id from messages m
cross join lateral json_array_elements_text(m.mentions) as n(user_id)
where m.mentions is not null and m.delete_seq is null and n.user_id <> m.sender_id;

create table markers (
  room_id uuid not null,
  user_id text collate "C" not null,
  message_id uuid not null,
  xid xid8 not null default pg_current_xact_id(),
  primary key (room_id, user_id)
);
create index markers_changed on markers (xid);

-- A removed part has no row.
create table parts (
  room_id uuid not null,
  part text collate "C" not null,
  body json not null,
  primary key (room_id, part)
);

create table mutes (
  room_id uuid not null,
  user_id text collate "C" not null,
  until timestamptz not null,
  primary key (room_id, user_id)
);

create table snoozes (
  room_id uuid not null,
  user_id text collate "C" not null,
  message_id uuid not null,
  until timestamptz not null,
  primary key (room_id, user_id, message_id)
);
