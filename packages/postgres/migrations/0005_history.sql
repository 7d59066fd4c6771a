-- Each event names itself and the one before it by a mark, so that a history is told from another one (DECISIONS 34). And an
-- event keeps no text any more: its body is made of the rows that it is about, so that a text which was taken back is
-- nowhere (DECISIONS 35). Events of before have the mark 0.
ALTER TABLE events
  ADD COLUMN mark integer NOT NULL DEFAULT 0,
  ADD COLUMN prev integer NOT NULL DEFAULT 0,
  ADD COLUMN subject_id uuid,
  ADD COLUMN details json;
ALTER TABLE rooms ADD COLUMN last_mark integer NOT NULL DEFAULT 0;

UPDATE events e SET subject_id = (b.body ->> 'messageId')::uuid, details = CASE e.type
    WHEN 1 THEN json_build_object('timeStamp', b.body ->> 'editedAt')
    WHEN 6 THEN json_build_object('senderId', b.body ->> 'senderId')
    WHEN 7 THEN CASE WHEN b.body ->> 'message' LIKE '%was removed from the Chat'
      THEN json_build_object('timeStamp', b.body ->> 'timeStamp', 'removed', true)
      ELSE json_build_object('timeStamp', b.body ->> 'timeStamp') END
    WHEN 8 THEN json_build_object('timeStamp', b.body ->> 'timeStamp')
    WHEN 10 THEN json_build_object('changed', b.body -> 'changed')
  END
FROM (
  SELECT room_id, seq, ('{"recipientId":""' || CASE WHEN body LIKE ',%' THEN '' ELSE ',' END || body)::json AS body FROM events
) b
WHERE b.room_id = e.room_id AND b.seq = e.seq;
ALTER TABLE events DROP COLUMN body;

-- The first join of all: what came before it is not replayed to the member.
ALTER TABLE members ADD COLUMN first_seq bigint;
UPDATE members SET first_seq = joined_seq;
ALTER TABLE members ALTER COLUMN first_seq SET NOT NULL;

-- The texts of reactions that were removed before.
UPDATE reactions SET reaction = '' WHERE removed_seq IS NOT NULL AND reaction <> '';
UPDATE messages SET mentions = NULL WHERE delete_seq IS NOT NULL AND mentions IS NOT NULL;
