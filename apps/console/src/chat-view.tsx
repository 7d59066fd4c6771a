/** The open chat. */
import { useRef, useState } from "preact/hooks";
import type { Chat, Entry } from "./chat.ts";
import { Composer, type Intent } from "./composer.tsx";
import { Avatar, Presence } from "./people.tsx";
import type { Session } from "./session.ts";
import type { SessionStore } from "./session-store.ts";
import { Timeline } from "./timeline.tsx";

export function ChatView({ store, session }: { store: SessionStore; session: Session }) {
  const [intent, setIntent] = useState<Intent>({ to: "send" });
  const field = useRef<HTMLTextAreaElement>(null);
  const { chat } = session;
  if (chat === undefined)
    return (
      <section class="chat empty" aria-label="Chat">
        <p class="hint">Choose a room.</p>
      </section>
    );
  const room = session.rooms.find(({ id }) => id === chat.chatId);
  const changeIntent = (next: Intent) => {
    setIntent(next);
    field.current?.focus();
  };
  return (
    <section class="chat" aria-label="Chat">
      <ChatHead name={room?.name ?? "…"} chat={chat} session={session} />
      <Timeline
        store={store}
        session={session}
        chat={chat}
        actions={{
          reply: (entry: Entry) => changeIntent({ to: "reply", entry }),
          edit: (entry: Entry) => changeIntent({ to: "edit", entry }),
          leave: () => field.current?.focus(),
        }}
      />
      <TypingLine session={session} chatId={chat.chatId} />
      <Composer
        store={store}
        chatId={chat.chatId}
        field={field}
        names={session.names}
        intent={intent}
        done={() => changeIntent({ to: "send" })}
      />
    </section>
  );
}

/** The most users in the head of a chat. */
const SHOWN = 8;

function ChatHead({ name, chat, session }: { name: string; chat: Chat; session: Session }) {
  const others = chat.members.filter(({ userId }) => userId !== session.me.userId);
  return (
    <header class="part-head chat-head">
      <h3>{name}</h3>
      <ul class="people" aria-label="Members">
        {others.slice(0, SHOWN).map((person) => (
          <li key={person.userId} title={person.name}>
            <Avatar userId={person.userId} name={person.name} />
            <Presence userId={person.userId} status={session.presence.get(person.userId) ?? "offline"} />
            <span class="name">{session.names.get(person.userId) ?? person.name}</span>
          </li>
        ))}
        {others.length > SHOWN && <li>and {others.length - SHOWN} more</li>}
      </ul>
    </header>
  );
}

function TypingLine({ session, chatId }: { session: Session; chatId: string }) {
  const typing = (session.typing[chatId] ?? []).map((userId) => session.names.get(userId) ?? userId);
  return (
    <p class="typing" data-testid="typing" aria-live="polite">
      {typing.length > 0 && (
        <>
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {sentence(typing)}
        </>
      )}
    </p>
  );
}

function sentence(names: readonly string[]): string {
  const [first, second] = names;
  if (names.length === 1) return `${first} is typing`;
  return names.length === 2 ? `${first} and ${second} are typing` : "Several people are typing";
}
