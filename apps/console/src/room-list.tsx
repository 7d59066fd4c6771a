/** The user's rooms. */
import type { User } from "./chat.ts";
import { NewRoom } from "./new-room.tsx";
import type { Room } from "./rooms.ts";
import type { Session } from "./session.ts";
import type { SessionStore } from "./session-store.ts";
import { moment } from "./times.ts";

export interface RoomListProps {
  store: SessionStore;
  session: Session;
  /** The user of the other pane. */
  other: User | undefined;
  /** Called when a room is chosen, also when it is open already. */
  onOpen(): void;
}

export function RoomList({ store, session, other, onOpen }: RoomListProps) {
  const { rooms, roomsLoaded, me } = session;
  const open = (chatId: string) => {
    if (session.chat?.chatId !== chatId) store.open(chatId);
    onOpen();
  };
  return (
    <nav class="rooms" data-testid="rooms" aria-label="Rooms">
      <header class="part-head">
        <h3>Rooms</h3>
        <span class="gap" />
        <NewRoom store={store} suggested={other} />
      </header>
      {rooms.length === 0 && roomsLoaded && <TryIt store={store} me={me} other={other} />}
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
          <span class="visually-hidden"> unread</span>
        </span>
      )}
    </button>
  );
}

function previewOf({ id, last }: Room, { typing, names, me }: Session): string {
  const [typist] = typing[id] ?? [];
  if (typist !== undefined) return `${names.get(typist) ?? typist} is typing …`;
  if (last === undefined) return "No messages yet";
  const author = last.senderId === me.userId ? "You" : (names.get(last.senderId) ?? last.senderId);
  return last.text === "" ? `${author}: no text` : `${author}: ${last.text}`;
}

function TryIt({ store, me, other }: { store: SessionStore; me: User; other: User | undefined }) {
  if (other === undefined || other.userId === me.userId) return <p class="hint">No rooms yet.</p>;
  return (
    <div class="hint">
      <p>No rooms yet.</p>
      <button
        type="button"
        class="primary"
        data-testid="try-it"
        onClick={() => store.createRoom(`${me.name} and ${other.name}`, [other.userId])}
      >
        Try it with {other.name}
      </button>
    </div>
  );
}
