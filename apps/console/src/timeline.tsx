/** A chat's messages: scrolling, focus by arrow keys, and read receipts. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat, Entry } from "./chat.ts";
import { Icon } from "./icons.tsx";
import { MessageView } from "./message.tsx";
import { useScrolling } from "./scrolling.ts";
import type { Session } from "./session.ts";
import type { SessionStore } from "./session-store.ts";
import { type MessageItem, timelineItems } from "./timeline-items.ts";
import { day } from "./times.ts";

export interface TimelineProps {
  store: SessionStore;
  session: Session;
  chat: Chat;
  actions: {
    reply(entry: Entry): void;
    edit(entry: Entry): void;
    /** Moves the focus to the text field. */
    leave(): void;
  };
}

export function Timeline({ store, session, chat, actions }: TimelineProps) {
  const shown = timelineItems(chat, session);
  const [focused, setFocused] = useState<string>();
  const [reacting, setReacting] = useState<string>();
  const list = useRef<HTMLOListElement>(null);
  const { atEnd, toEnd } = useScrolling(list, chat, session, () => store.loadOlder());
  useReading(list, store, session, chat, atEnd);

  const last = shown.findLast((each) => each.type === "message")?.key;
  // One message is in the order of the Tab key: the last one with the focus, if it is still there.
  const inTabOrder = shown.some(({ key }) => key === focused) ? focused : last;
  const props = (message: MessageItem) => ({
    message,
    session,
    current: message.key === inTabOrder,
    reacting: message.key === reacting,
    onFocus: () => setFocused(message.key),
    onReacting: (open: boolean) => setReacting(open ? message.key : undefined),
    actions: {
      ...actions,
      remove: (entry: Entry) => store.remove(chat.chatId, entry.messageId),
      react: (entry: Entry, reaction: string) => store.react(chat.chatId, entry, reaction),
      retry: ({ draft }: MessageItem) =>
        draft !== undefined && store.send(chat.chatId, draft.text, draft.replyTo, draft.key),
      discard: ({ key }: MessageItem) => store.discard(key),
    },
  });

  return (
    <div class="timeline">
      <ol
        ref={list}
        class="messages"
        data-testid="messages"
        aria-label="Messages"
        aria-busy={chat.sinceRequest !== undefined}
      >
        {chat.complete && shown.length === 0 && <li class="hint">No messages yet.</li>}
        {shown.map((each) =>
          each.type === "message" ? (
            <MessageView key={each.key} {...props(each.message)} />
          ) : each.type === "day" ? (
            <li key={each.key} class="day">
              <time dateTime={each.time}>{day(each.time)}</time>
            </li>
          ) : (
            <li key={each.key} class="divider" data-testid="divider">
              New messages
            </li>
          ),
        )}
      </ol>
      {!atEnd && (
        <button type="button" class="to-end" aria-label="Go to the newest message" onClick={toEnd}>
          <Icon of="down" />
        </button>
      )}
      <Announcement session={session} chat={chat} />
    </div>
  );
}

/** Marks the newest message as read while the end of the chat is visible. */
function useReading(
  list: RefObject<HTMLOListElement | null>,
  store: SessionStore,
  { me, connection }: Session,
  chat: Chat,
  atEnd: boolean,
): void {
  const newest = chat.entries.findLast(({ senderId }) => senderId !== me.userId)?.messageId;
  useEffect(() => {
    const markSeen = () => {
      const visible = !document.hidden && (list.current?.clientHeight ?? 0) > 0;
      // Not before the marker is known: it would move.
      if (newest === undefined || chat.marker === undefined || !visible || !atEnd) return;
      if (chat.receipts.get(me.userId) !== newest) store.read(chat.chatId, newest);
    };
    markSeen();
    document.addEventListener("visibilitychange", markSeen);
    const resized = new ResizeObserver(markSeen);
    if (list.current !== null) resized.observe(list.current);
    return () => {
      document.removeEventListener("visibilitychange", markSeen);
      resized.disconnect();
    };
  }, [newest, chat.marker, chat.receipts, atEnd, connection.state]);
}

/** New messages of others, for screen readers. */
function Announcement({ session, chat }: { session: Session; chat: Chat }) {
  const last = chat.entries.at(-1);
  const [announced, setAnnounced] = useState("");
  const { me, names } = session;
  useLayoutEffect(() => {
    const isNew = last !== undefined && chat.marker !== undefined && last.seq > chat.marker.seq;
    if (isNew && last.senderId !== me.userId)
      setAnnounced(`${names.get(last.senderId) ?? last.senderId}: ${last.text}`);
  }, [last?.messageId]);
  return (
    <p class="visually-hidden" aria-live="polite">
      {announced}
    </p>
  );
}
