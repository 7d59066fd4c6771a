/** The person's rooms. */
import type { Person } from "./chat.ts";
import type { Live } from "./live.ts";
import { NewRoom } from "./new-room.tsx";
import type { Room } from "./rooms.ts";
import type { Session } from "./session.ts";
import { moment } from "./times.ts";

export interface RoomListProps {
  live: Live;
  session: Session;
  /** Who sits in the other pane. */
  other: Person | undefined;
  /** A room was chosen, which may be open already. */
  onOpen(): void;
}

export function RoomList({ live, session, other, onOpen }: RoomListProps) {
  const { rooms, listed, me } = session;
  const open = (chatId: string) => {
    if (session.chat?.chatId !== chatId) live.open(chatId);
    onOpen();
  };
  return (
    <nav class="rooms" data-testid="rooms" aria-label="Rooms">
      <header class="part-head">
        <h3>Rooms</h3>
        <span class="gap" />
        <NewRoom live={live} suggested={other} />
      </header>
      {rooms.length === 0 && listed && <TryIt live={live} me={me} other={other} />}
      <ul>
        {rooms.map((room) => (
          <li key={room.id}>
            <RoomButton room={room} session={session} onOpen={() => open(room.id)} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

function RoomButton({ room, session, onOpen }: { room: Room; session: Session; onOpen(): void }) {
  const { last, unread } = room;
  const isOpen = session.chat?.chatId === room.id;
  return (
    <button
      type="button"
      class="room"
      data-testid="room"
      data-room-id={room.id}
      aria-current={isOpen ? "true" : undefined}
      onClick={onOpen}
    >
      <span class="name">{room.name}</span>
      {last !== undefined && <time dateTime={room.at}>{moment(room.at)}</time>}
      <span class="last">{previewOf(room, session)}</span>
      {unread > 0 && (
        <span class="badge">
          <span data-testid="unread">{unread > 99 ? "99+" : unread}</span>
          <span class="unseen"> unread</span>
        </span>
      )}
    </button>
  );
}

function previewOf({ id, last }: Room, { typing, names, me }: Session): string {
  const [somebody] = typing[id] ?? [];
  if (somebody !== undefined) return `${names.get(somebody) ?? somebody} is typing …`;
  if (last === undefined) return "Nothing said yet";
  const who = last.senderId === me.userId ? "You" : (names.get(last.senderId) ?? last.senderId);
  return last.text === "" ? `${who}: no text` : `${who}: ${last.text}`;
}

function TryIt({ live, me, other }: { live: Live; me: Person; other: Person | undefined }) {
  if (other === undefined || other.userId === me.userId) return <p class="hint">No rooms yet.</p>;
  return (
    <div class="hint">
      <p>No rooms yet.</p>
      <button
        type="button"
        class="primary"
        data-testid="try-it"
        onClick={() => live.createRoom(`${me.name} and ${other.name}`, [other.userId])}
      >
        Try it with {other.name}
      </button>
    </div>
  );
}
