-- The Matrix fields of messages, the indexes of lists and searches, and the events of Matrix. Keys of tables as in 0001.

alter table users add column matrix_user_id text collate "C";
create unique index users_of_matrix on users (matrix_user_id) where matrix_user_id is not null;

create unique index rooms_of_matrix on rooms (matrix_room_id) where matrix_room_id is not null;
create index rooms_bridged on rooms (room_id) where matrix_room_id is not null;

alter table messages
  add column type text collate "C" not null default 'm.text',
  add column file json,
  add column thread_root text collate "C",
  add column event_id text collate "C";
-- A query with the room gives both; the event alone suffices too.
create unique index messages_of_matrix on messages (event_id, room_id) where event_id is not null;
create index messages_by_id on messages (message_id);
-- Lists are in the order of the ids, which hold the time. Rare kinds have indexes of their own; most messages are in
-- none of these.
create index messages_by_sender on messages (room_id, sender_id, message_id);
create index messages_typed on messages (room_id, type, message_id) where type <> 'm.text';
create index messages_with_file on messages (room_id, message_id) where file is not null;
create index messages_in_thread on messages (room_id, thread_root, message_id) where thread_root is not null;
-- The words of the preview (core/src/model/preview.ts), and the room as one more word, which no text can hold: a rare
-- word is found without a read of other rooms, and a frequent one of other rooms costs nothing. White space makes no
-- difference to a text that is not cut. `search.ts` has the same expression. New entries gather in a list that each
-- search reads, and a send that fills it empties it: 256 kB keep both short (14 ms for the one in 450 sends; without
-- the list, every send costs four times as much).
create index messages_words on messages using gin ((
  array_to_tsvector(array['@' || room_id::text]) || to_tsvector('simple',
    case when length(content) <= 200 then content else left(btrim(regexp_replace(content, '\s+', ' ', 'g')), 200) end)
)) with (gin_pending_list_limit = 256);

alter table reactions add column event_id text collate "C";

-- Private receipts of Matrix: a third row, hidden for good.
alter table receipts
  add column private boolean not null default false check (hidden or not private),
  -- The event id of the message.
  add column event_id text collate "C";
alter table receipts drop constraint receipts_pkey, add primary key (room_id, user_id, hidden, private);
drop index receipts_hidden;
create index receipts_hidden on receipts (user_id) where hidden and not private;

-- Statistics of messages that are not deleted. These columns have no index, and change in the update that every commit makes
-- anyway: a plain text costs no write of its own.
alter table rooms
  add column standing_count bigint not null default 0,
  add column file_count bigint not null default 0,
  -- Threads with at least one reply.
  add column thread_count bigint not null default 0,
  -- The ends in the order of lists.
  add column first_id uuid,
  add column last_id uuid;

-- Counts by type. m.text has none: its count is the rest.
create table message_types (
  room_id uuid not null,
  type text collate "C" not null,
  messages bigint not null,
  primary key (room_id, type)
);

create table threads (
  room_id uuid not null,
  root text collate "C" not null,
  replies bigint not null,
  primary key (room_id, root)
);

-- Events of bridged rooms: see MatrixRow in core/src/model/rows.ts.
create table matrix_events (
  room_id uuid not null,
  event_id text collate "C" not null,
  kind text not null check (kind in ('message', 'edit', 'reaction', 'redaction', 'other')),
  target_id text collate "C",
  subject_id uuid,
  sender_id text collate "C" not null,
  sent_at timestamptz not null,
  revision json,
  redacted boolean not null,
  seq bigint not null,
  primary key (room_id, event_id)
);
create index matrix_events_about on matrix_events (room_id, target_id) where target_id is not null;

-- Sends on their way to the homeserver.
create table matrix_writes (
  room_id uuid not null,
  sender_id text collate "C" not null,
  client_message_id text collate "C" not null,
  at timestamptz not null,
  primary key (room_id, sender_id, client_message_id)
);
create index matrix_writes_by_age on matrix_writes (at);

-- The progress of rebuilds under way.
create table matrix_rebuilds (
  room_id uuid not null,
  token text not null,
  primary key (room_id)
);
