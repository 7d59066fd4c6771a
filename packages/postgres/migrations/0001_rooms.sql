-- Every table has room_id or user_id first in its primary key, and none has a foreign key: they can be hash-partitioned, or
-- distributed, without a change of query. Ids of users compare bytewise.
--
-- "xid" is the transaction that wrote a row last: Store.changes searches by it.

create table rooms (
  room_id uuid not null,
  name text not null,
  -- json, not jsonb: it comes back unchanged, in the order of its keys.
  metadata json not null,
  created_by text collate "C" not null,
  created_at timestamptz not null,
  matrix_room_id text collate "C",
  last_seq bigint not null,
  -- The store's clock at the last change: a clock that is set back must not turn a room's time back.
  last_at timestamptz not null,
  member_count integer not null,
  deleted_at timestamptz,
  primary key (room_id)
) with (fillfactor = 50);
-- Every commit updates its rooms. No column that it changes has an index, and half of each page is free: these updates stay
-- on their page and write no index (HOT).

create table members (
  room_id uuid not null,
  user_id text collate "C" not null,
  role text not null check (role in ('owner', 'member')),
  joined_at timestamptz not null,
  joined_seq bigint not null,
  left_seq bigint,
  xid xid8 not null default pg_current_xact_id(),
  primary key (room_id, user_id)
);
create index members_rooms_of_user on members (user_id, room_id) where left_seq is null;
create index members_changed on members (xid);

create table messages (
  room_id uuid not null,
  seq bigint not null,
  message_id uuid not null,
  sender_id text collate "C" not null,
  content text not null,
  sent_at timestamptz not null,
  client_message_id text collate "C",
  reply_to uuid,
  mentions json,
  edit_seq bigint,
  edited_at timestamptz,
  delete_seq bigint,
  deleted_at timestamptz,
  deleted_by text collate "C",
  -- The columns for counting unread messages, so that the index alone suffices.
  primary key (room_id, seq) include (sender_id, delete_seq),
  unique (room_id, message_id)
);
create unique index messages_repeats on messages (room_id, sender_id, client_message_id) where client_message_id is not null;

create table reactions (
  room_id uuid not null,
  reaction_id uuid not null,
  message_id uuid not null,
  sender_id text collate "C" not null,
  reaction text collate "C" not null,
  seq bigint not null,
  sent_at timestamptz not null,
  removed_seq bigint,
  primary key (room_id, reaction_id)
);
create index reactions_by_id on reactions (reaction_id);
create unique index reactions_standing on reactions (room_id, message_id, sender_id, reaction) where removed_seq is null;

create table receipts (
  room_id uuid not null,
  user_id text collate "C" not null,
  message_id uuid not null,
  message_seq bigint not null,
  read_at timestamptz not null,
  stamp_seq bigint not null,
  -- The time of the write, by the store's clock; read_at is the time in the receipt.
  changed_at timestamptz not null,
  xid xid8 not null default pg_current_xact_id(),
  primary key (room_id, user_id)
) with (fillfactor = 80);
create index receipts_changed on receipts (xid);

create table users (
  user_id text collate "C" not null,
  name text,
  revoked_at timestamptz,
  xid xid8 not null default pg_current_xact_id(),
  primary key (user_id)
);
create index users_revoked on users (xid) where revoked_at is not null;

create table events (
  room_id uuid not null,
  seq bigint not null,
  -- The type's index in EVENT_TYPES of the protocol.
  type smallint not null,
  user_id text collate "C" not null,
  body text not null,
  created_at timestamptz not null,
  xid xid8 not null default pg_current_xact_id(),
  primary key (room_id, seq)
);
create index events_changed on events (xid);

-- The progress of the deletion of old events: one row. Its lock also keeps all nodes but one away from this work.
create table pruning (
  walked_xid xid8 not null,
  keep bigint not null
);
insert into pruning values ('0', 0);
