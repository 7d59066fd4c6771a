/** A chat's messages: scrolling, the focus of the arrow keys, and what has been seen. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat, Entry } from "./chat.ts";
import { Icon } from "./icons.tsx";
import type { Live } from "./live.ts";
import { MessageView } from "./message.tsx";
import { useScrolling } from "./scrolling.ts";
import type { Session } from "./session.ts";
import { type ShownMessage, shownOf } from "./shown.ts";
import { day } from "./times.ts";

export interface TimelineProps {
  live: Live;
  session: Session;
  chat: Chat;
  acts: {
    reply(entry: Entry): void;
    edit(entry: Entry): void;
    /** Leaves the messages for the text field. */
    leave(): void;
  };
}

export function Timeline({ live, session, chat, acts }: TimelineProps) {
  const shown = shownOf(chat, session);
  const [focused, setFocused] = useState<string>();
  const [reacting, setReacting] = useState<string>();
  const list = useRef<HTMLOListElement>(null);
  const { atEnd, toEnd } = useScrolling(list, chat, session, () => live.older());
  useReading(list, live, session, chat, atEnd);

  const last = shown.findLast((each) => each.type === "message")?.key;
  // One message is in the order of the Tab key: the one that had the focus last, if it is still there.
  const inTabOrder = shown.some(({ key }) => key === focused) ? focused : last;
  const props = (message: ShownMessage) => ({
    message,
    session,
    current: message.key === inTabOrder,
    reacting: message.key === reacting,
    onFocus: () => setFocused(message.key),
    onReacting: (open: boolean) => setReacting(open ? message.key : undefined),
    acts: {
      ...acts,
      remove: (entry: Entry) => live.remove(chat.chatId, entry.messageId),
      react: (entry: Entry, reaction: string) => live.react(chat.chatId, entry, reaction),
      again: ({ draft }: ShownMessage) =>
        draft !== undefined && live.send(chat.chatId, draft.text, draft.replyTo, draft.key),
      discard: ({ key }: ShownMessage) => live.discard(key),
    },
  });

  return (
    <div class="timeline">
      <ol ref={list} class="messages" data-testid="messages" aria-label="Messages" aria-busy={chat.heard !== undefined}>
        {chat.complete && shown.length === 0 && <li class="hint">Nothing said yet.</li>}
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
        <button type="button" class="to-end" aria-label="To the newest message" onClick={toEnd}>
          <Icon of="down" />
        </button>
      )}
      <Spoken session={session} chat={chat} />
    </div>
  );
}

/** Marks as read what is seen: the newest message, while the end of the chat is in view. */
function useReading(
  list: RefObject<HTMLOListElement | null>,
  live: Live,
  { me, connection }: Session,
  chat: Chat,
  atEnd: boolean,
): void {
  const newest = chat.entries.findLast(({ senderId }) => senderId !== me.userId)?.messageId;
  useEffect(() => {
    const see = () => {
      const visible = !document.hidden && (list.current?.clientHeight ?? 0) > 0;
      // Not before the marker is known, which would move with it.
      if (newest === undefined || chat.marker === undefined || !visible || !atEnd) return;
      if (chat.receipts.get(me.userId) !== newest) live.read(chat.chatId, newest);
    };
    see();
    document.addEventListener("visibilitychange", see);
    const resized = new ResizeObserver(see);
    if (list.current !== null) resized.observe(list.current);
    return () => {
      document.removeEventListener("visibilitychange", see);
      resized.disconnect();
    };
  }, [newest, chat.marker, chat.receipts, atEnd, connection.state]);
}

/** What others say, for those who hear the page. */
function Spoken({ session, chat }: { session: Session; chat: Chat }) {
  const last = chat.entries.at(-1);
  const [spoken, setSpoken] = useState("");
  const { me, names } = session;
  useLayoutEffect(() => {
    const isNew = last !== undefined && chat.marker !== undefined && last.seq > chat.marker.seq;
    if (isNew && last.senderId !== me.userId) setSpoken(`${names.get(last.senderId) ?? last.senderId}: ${last.text}`);
  }, [last?.messageId]);
  return (
    <p class="unseen" aria-live="polite">
      {spoken}
    </p>
  );
}
