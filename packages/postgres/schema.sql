CREATE TABLE events (
  room_id uuid NOT NULL,
  seq bigint NOT NULL,
  type smallint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  created_at timestamp with time zone NOT NULL,
  mark integer NOT NULL DEFAULT 0,
  prev integer NOT NULL DEFAULT 0,
  subject_id uuid,
  details json,
  CONSTRAINT events_pkey PRIMARY KEY (room_id, seq)
);
CREATE INDEX events_by_age ON public.events USING btree (created_at);

CREATE TABLE markers (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  message_id uuid NOT NULL,
  CONSTRAINT markers_pkey PRIMARY KEY (room_id, user_id)
);

CREATE TABLE matrix_events (
  room_id uuid NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  target_id text COLLATE "C",
  subject_id uuid,
  sender_id text COLLATE "C" NOT NULL,
  sent_at timestamp with time zone NOT NULL,
  revision json,
  redacted boolean NOT NULL,
  seq bigint NOT NULL,
  CONSTRAINT matrix_events_pkey PRIMARY KEY (room_id, event_id),
  CONSTRAINT matrix_events_kind_check CHECK ((kind = ANY (ARRAY['message'::text, 'edit'::text, 'reaction'::text, 'redaction'::text, 'other'::text])))
);
CREATE INDEX matrix_events_about ON public.matrix_events USING btree (room_id, target_id) WHERE (target_id IS NOT NULL);

CREATE TABLE matrix_rebuilds (
  room_id uuid NOT NULL,
  token text NOT NULL,
  CONSTRAINT matrix_rebuilds_pkey PRIMARY KEY (room_id)
);

CREATE TABLE matrix_writes (
  room_id uuid NOT NULL,
  sender_id text COLLATE "C" NOT NULL,
  client_message_id text COLLATE "C" NOT NULL,
  at timestamp with time zone NOT NULL,
  CONSTRAINT matrix_writes_pkey PRIMARY KEY (room_id, sender_id, client_message_id)
);
CREATE INDEX matrix_writes_by_age ON public.matrix_writes USING btree (at);

CREATE TABLE members (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  role text NOT NULL,
  joined_at timestamp with time zone NOT NULL,
  joined_seq bigint NOT NULL,
  left_seq bigint,
  first_seq bigint NOT NULL,
  CONSTRAINT members_pkey PRIMARY KEY (room_id, user_id),
  CONSTRAINT members_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'member'::text])))
);
CREATE INDEX members_of_room ON public.members USING btree (room_id, user_id) WHERE (left_seq IS NULL);
CREATE INDEX members_rooms_of_user ON public.members USING btree (user_id, room_id) WHERE (left_seq IS NULL);

CREATE TABLE mentions (
  room_id uuid NOT NULL,
  seq bigint NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  CONSTRAINT mentions_pkey PRIMARY KEY (room_id, seq, user_id)
);
CREATE INDEX mentions_of_user ON public.mentions USING btree (room_id, user_id, seq);

CREATE TABLE message_types (
  room_id uuid NOT NULL,
  type text COLLATE "C" NOT NULL,
  messages bigint NOT NULL,
  CONSTRAINT message_types_pkey PRIMARY KEY (room_id, type)
);

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
  type text COLLATE "C" NOT NULL DEFAULT 'm.text'::text,
  file json,
  thread_root text COLLATE "C",
  event_id text COLLATE "C",
  CONSTRAINT messages_room_id_message_id_key UNIQUE (room_id, message_id),
  CONSTRAINT messages_pkey PRIMARY KEY (room_id, seq)
);
CREATE INDEX messages_by_id ON public.messages USING btree (message_id);
CREATE INDEX messages_by_sender ON public.messages USING btree (room_id, sender_id, message_id);
CREATE INDEX messages_deleted ON public.messages USING btree (room_id, seq) WHERE (delete_seq IS NOT NULL);
CREATE INDEX messages_in_thread ON public.messages USING btree (room_id, thread_root, message_id) WHERE (thread_root IS NOT NULL);
CREATE INDEX messages_own ON public.messages USING btree (room_id, sender_id, seq) WHERE (delete_seq IS NULL);
CREATE INDEX messages_typed ON public.messages USING btree (room_id, type, message_id) WHERE (type <> 'm.text'::text);
CREATE INDEX messages_with_file ON public.messages USING btree (room_id, message_id) WHERE (file IS NOT NULL);
CREATE INDEX messages_words ON public.messages USING gin (((array_to_tsvector(ARRAY[('@'::text || (room_id)::text)]) || to_tsvector('simple'::regconfig,
CASE
    WHEN (length(content) <= 200) THEN content
    ELSE "left"(btrim(regexp_replace(content, '\s+'::text, ' '::text, 'g'::text)), 200)
END)))) WITH (gin_pending_list_limit='256');
CREATE UNIQUE INDEX messages_of_matrix ON public.messages USING btree (event_id, room_id) WHERE (event_id IS NOT NULL);
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

CREATE TABLE outbox (
  id uuid NOT NULL,
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  frames json NOT NULL,
  CONSTRAINT outbox_pkey PRIMARY KEY (id)
);
CREATE INDEX outbox_by_age ON public.outbox USING btree (at);

CREATE TABLE parts (
  room_id uuid NOT NULL,
  part text COLLATE "C" NOT NULL,
  body json NOT NULL,
  CONSTRAINT parts_pkey PRIMARY KEY (room_id, part)
);

CREATE TABLE pruning (
  keep bigint NOT NULL,
  walked_at timestamp with time zone NOT NULL
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
  event_id text COLLATE "C",
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
  hidden boolean NOT NULL DEFAULT false,
  message_place bigint NOT NULL,
  private boolean NOT NULL DEFAULT false,
  event_id text COLLATE "C",
  CONSTRAINT receipts_pkey PRIMARY KEY (room_id, user_id, hidden, private),
  CONSTRAINT receipts_check CHECK ((hidden OR (NOT private)))
) WITH (fillfactor=80);
CREATE INDEX receipts_hidden ON public.receipts USING btree (user_id) WHERE (hidden AND (NOT private));

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
  standing_count bigint NOT NULL DEFAULT 0,
  file_count bigint NOT NULL DEFAULT 0,
  thread_count bigint NOT NULL DEFAULT 0,
  first_id uuid,
  last_id uuid,
  last_mark integer NOT NULL DEFAULT 0,
  CONSTRAINT rooms_pkey PRIMARY KEY (room_id)
) WITH (fillfactor=50);
CREATE INDEX rooms_bridged ON public.rooms USING btree (room_id) WHERE (matrix_room_id IS NOT NULL);
CREATE UNIQUE INDEX rooms_of_matrix ON public.rooms USING btree (matrix_room_id) WHERE (matrix_room_id IS NOT NULL);

CREATE TABLE snoozes (
  room_id uuid NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  message_id uuid NOT NULL,
  until timestamp with time zone NOT NULL,
  CONSTRAINT snoozes_pkey PRIMARY KEY (room_id, user_id, message_id)
);

CREATE TABLE threads (
  room_id uuid NOT NULL,
  root text COLLATE "C" NOT NULL,
  replies bigint NOT NULL,
  CONSTRAINT threads_pkey PRIMARY KEY (room_id, root)
);

CREATE TABLE users (
  user_id text COLLATE "C" NOT NULL,
  name text,
  revoked_at timestamp with time zone,
  choice text NOT NULL DEFAULT 'online'::text,
  choice_version integer NOT NULL DEFAULT 0,
  active_at timestamp with time zone,
  matrix_user_id text COLLATE "C",
  CONSTRAINT users_pkey PRIMARY KEY (user_id),
  CONSTRAINT users_choice_check CHECK ((choice = ANY (ARRAY['online'::text, 'idle'::text, 'busy'::text, 'appear_offline'::text])))
) WITH (fillfactor=80);
CREATE INDEX users_by_name ON public.users USING btree (name) WHERE (name IS NOT NULL);
CREATE UNIQUE INDEX users_of_matrix ON public.users USING btree (matrix_user_id) WHERE (matrix_user_id IS NOT NULL);
