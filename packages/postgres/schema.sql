CREATE TABLE events (
  room_id uuid NOT NULL,
  seq bigint NOT NULL,
  type smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  body text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CONSTRAINT events_pkey PRIMARY KEY (room_id, seq)
);
CREATE INDEX events_changed ON public.events USING btree (xid);

CREATE TABLE markers (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  message_id uuid NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CONSTRAINT markers_pkey PRIMARY KEY (room_id, user_id)
);
CREATE INDEX markers_changed ON public.markers USING btree (xid);

CREATE TABLE members (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  role text NOT NULL,
  joined_at timestamp with time zone NOT NULL,
  joined_seq bigint NOT NULL,
  left_seq bigint,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CONSTRAINT members_pkey PRIMARY KEY (room_id, user_id),
  CONSTRAINT members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'member'::text])))
);
CREATE INDEX members_changed ON public.members USING btree (xid);
CREATE INDEX members_of_room ON public.members USING btree (room_id, user_id) WHERE (left_seq IS NULL);
CREATE INDEX members_rooms_of_user ON public.members USING btree (user_id, room_id) WHERE (left_seq IS NULL);

CREATE TABLE mentions (
  room_id uuid NOT NULL,
  seq bigint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  CONSTRAINT mentions_pkey PRIMARY KEY (room_id, seq, user_id)
);
CREATE INDEX mentions_of_user ON public.mentions USING btree (room_id, user_id, seq);

CREATE TABLE messages (
  room_id uuid NOT NULL,
  seq bigint NOT NULL,
  message_id uuid NOT NULL,
  sender_id text COLLATE "C" NOT NULL,
  content text NOT NULL,
  sent_at timestamp with time zone NOT NULL,
  client_message_id text COLLATE "C",
  reply_to uuid,
  mentions json,
  edit_seq bigint,
  edited_at timestamp with time zone,
  delete_seq bigint,
  deleted_at timestamp with time zone,
  deleted_by text COLLATE "C",
  place bigint NOT NULL,
  named json,
  CONSTRAINT messages_room_id_message_id_key UNIQUE (room_id, message_id),
  CONSTRAINT messages_pkey PRIMARY KEY (room_id, seq)
);
CREATE INDEX messages_deleted ON public.messages USING btree (room_id, seq) WHERE (delete_seq IS NOT NULL);
CREATE INDEX messages_own ON public.messages USING btree (room_id, sender_id, seq) WHERE (delete_seq IS NULL);
CREATE UNIQUE INDEX messages_repeats ON public.messages USING btree (room_id, sender_id, client_message_id) WHERE (client_message_id IS NOT NULL);

CREATE TABLE migrations (
  number integer NOT NULL,
  file text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT migrations_pkey PRIMARY KEY (number)
);

CREATE TABLE mutes (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  until timestamp with time zone NOT NULL,
  CONSTRAINT mutes_pkey PRIMARY KEY (room_id, user_id)
);

CREATE TABLE parts (
  room_id uuid NOT NULL,
  part text COLLATE "C" NOT NULL,
  body json NOT NULL,
  CONSTRAINT parts_pkey PRIMARY KEY (room_id, part)
);

CREATE TABLE pruning (
  walked_xid xid8 NOT NULL,
  keep bigint NOT NULL
);

CREATE TABLE reactions (
  room_id uuid NOT NULL,
  reaction_id uuid NOT NULL,
  message_id uuid NOT NULL,
  sender_id text COLLATE "C" NOT NULL,
  reaction text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  sent_at timestamp with time zone NOT NULL,
  removed_seq bigint,
  CONSTRAINT reactions_pkey PRIMARY KEY (room_id, reaction_id)
);
CREATE INDEX reactions_by_id ON public.reactions USING btree (reaction_id);
CREATE UNIQUE INDEX reactions_standing ON public.reactions USING btree (room_id, message_id, sender_id, reaction) WHERE (removed_seq IS NULL);

CREATE TABLE receipts (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  message_id uuid NOT NULL,
  message_seq bigint NOT NULL,
  read_at timestamp with time zone NOT NULL,
  stamp_seq bigint NOT NULL,
  changed_at timestamp with time zone NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  hidden boolean NOT NULL DEFAULT false,
  message_place bigint NOT NULL,
  CONSTRAINT receipts_pkey PRIMARY KEY (room_id, user_id, hidden)
) WITH (fillfactor=80);
CREATE INDEX receipts_changed ON public.receipts USING btree (xid);
CREATE INDEX receipts_hidden ON public.receipts USING btree (user_id) WHERE hidden;

CREATE TABLE rooms (
  room_id uuid NOT NULL,
  name text NOT NULL,
  metadata json NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  created_at timestamp with time zone NOT NULL,
  matrix_room_id text COLLATE "C",
  last_seq bigint NOT NULL,
  last_at timestamp with time zone NOT NULL,
  member_count integer NOT NULL,
  deleted_at timestamp with time zone,
  message_count bigint NOT NULL DEFAULT 0,
  CONSTRAINT rooms_pkey PRIMARY KEY (room_id)
) WITH (fillfactor=50);

CREATE TABLE snoozes (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  message_id uuid NOT NULL,
  until timestamp with time zone NOT NULL,
  CONSTRAINT snoozes_pkey PRIMARY KEY (room_id, user_id, message_id)
);

CREATE TABLE users (
  user_id text COLLATE "C" NOT NULL,
  name text,
  revoked_at timestamp with time zone,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  choice text NOT NULL DEFAULT 'online'::text,
  choice_version integer NOT NULL DEFAULT 0,
  active_at timestamp with time zone,
  CONSTRAINT users_pkey PRIMARY KEY (user_id),
  CONSTRAINT users_choice_check CHECK ((choice = ANY (ARRAY['online'::text, 'idle'::text, 'busy'::text, 'appear_offline'::text])))
) WITH (fillfactor=80);
CREATE INDEX users_by_name ON public.users USING btree (name) WHERE (name IS NOT NULL);
CREATE INDEX users_changed ON public.users USING btree (xid);
