-- Statistics of the messages before 0003.

update rooms r set standing_count = n.messages, file_count = n.files, first_id = n.first_id, last_id = n.last_id
from (
  select room_id, count(*) as messages, count(file) as files,
    -- As text in byte order: uuid has no minimum before version 18.
    min(message_id::text collate "C")::uuid as first_id, max(message_id::text collate "C")::uuid as last_id
  from messages where delete_seq is null group by room_id
) n where n.room_id = r.room_id;

insert into message_types
select room_id, type, count(*) from messages where delete_seq is null and type <> 'm.text' group by room_id, type;

insert into threads
select room_id, thread_root, count(*) from messages where delete_seq is null and thread_root is not null
group by room_id, thread_root;

update rooms r set thread_count = n.threads
from (select room_id, count(*) as threads from threads group by room_id) n where n.room_id = r.room_id;
