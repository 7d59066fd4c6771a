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
CREATE INDEX members_rooms_of_user ON public.members USING btree (user_id, room_id) WHERE (left_seq IS NULL);

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
  CONSTRAINT messages_room_id_message_id_key UNIQUE (room_id, message_id),
  CONSTRAINT messages_pkey PRIMARY KEY (room_id, seq) INCLUDE (sender_id, delete_seq)
);
CREATE UNIQUE INDEX messages_repeats ON public.messages USING btree (room_id, sender_id, client_message_id) WHERE (client_message_id IS NOT NULL);

CREATE TABLE migrations (
  number integer NOT NULL,
  file text NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT migrations_pkey PRIMARY KEY (number)
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
  CONSTRAINT receipts_pkey PRIMARY KEY (room_id, user_id)
) WITH (fillfactor=80);
CREATE INDEX receipts_changed ON public.receipts USING btree (xid);

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
  CONSTRAINT rooms_pkey PRIMARY KEY (room_id)
) WITH (fillfactor=50);

CREATE TABLE users (
  user_id text COLLATE "C" NOT NULL,
  name text,
  revoked_at timestamp with time zone,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  CONSTRAINT users_pkey PRIMARY KEY (user_id)
);
CREATE INDEX users_revoked ON public.users USING btree (xid) WHERE (revoked_at IS NOT NULL);
