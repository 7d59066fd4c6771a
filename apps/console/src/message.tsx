/** One message, with its actions. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Entry } from "./chat.ts";
import { Icon } from "./icons.tsx";
import { Avatar } from "./people.tsx";
import { Reactions } from "./reactions.tsx";
import type { Session } from "./session.ts";
import type { MessageItem, Progress } from "./timeline-items.ts";
import { clock } from "./times.ts";
import { Toolbar, type ToolbarActions } from "./toolbar.tsx";

export interface MessageActions extends ToolbarActions {
  /** Sends a refused message again. */
  retry(message: MessageItem): void;
  /** Gives a refused message up. */
  discard(message: MessageItem): void;
  /** Moves the focus back to the text field. */
  leave(): void;
}

export interface MessageProps {
  message: MessageItem;
  session: Session;
  actions: MessageActions;
  /** This is the message in the order of the Tab key. */
  current: boolean;
  /** Its menu of reactions is open. */
  reacting: boolean;
  onFocus(): void;
  onReacting(open: boolean): void;
}

export function MessageView(props: MessageProps) {
  const { message, session, actions, current, reacting, onReacting } = props;
  const { entry, progress, follows } = message;
  const mine = entry.senderId === session.me.userId;
  const author = session.names.get(entry.senderId) ?? entry.senderId;
  const item = useRef<HTMLLIElement>(null);
  const usable = message.draft === undefined && !entry.deleted;
  const wasReacting = useRef(false);
  useLayoutEffect(() => {
    if (wasReacting.current && !reacting) item.current?.focus();
    wasReacting.current = reacting;
  }, [reacting]);

  return (
    <li
      ref={item}
      class={`message ${mine ? "mine" : "theirs"}${follows ? " follows" : ""}`}
      data-testid="message"
      data-message-id={entry.messageId === "" ? undefined : entry.messageId}
      data-state={progress}
      aria-label={`${mine ? "You" : author}, ${clock(entry.sentAt)}: ${entry.deleted ? "deleted" : entry.text}`}
      tabIndex={current ? 0 : -1}
      onFocus={props.onFocus}
      onKeyDown={(event) => onKey(event, props, usable, mine)}
    >
      {!mine && !follows && <Avatar userId={entry.senderId} name={author} />}
      {!mine && !follows && <span class="author">{author}</span>}
      <div class="bubble">
        {entry.replyTo !== null && !entry.deleted && <Quote original={entry.replyTo} names={session.names} />}
        {entry.deleted ? <p class="text gone">Message deleted</p> : <p class="text">{entry.text}</p>}
        <span class="stamp">
          {entry.edited && !entry.deleted && <span class="edited">edited</span>}
          <time dateTime={entry.sentAt}>{clock(entry.sentAt)}</time>
          {mine && !entry.deleted && <Ticks progress={progress} />}
        </span>
      </div>
      {usable && <Reactions entry={entry} session={session} onToggle={(reaction) => actions.react(entry, reaction)} />}
      {progress === "failed" && <Failure message={message} actions={actions} />}
      <Readers readers={message.readers} names={session.names} />
      {usable && (
        <Toolbar
          entry={entry}
          mine={mine}
          current={current}
          reacting={reacting}
          actions={actions}
          onReacting={onReacting}
        />
      )}
    </li>
  );
}

/** The keys of a message. A key on a button in it is left to the button. */
function onKey(
  event: KeyboardEvent,
  { message, actions, onReacting }: MessageProps,
  usable: boolean,
  mine: boolean,
): void {
  const item = event.currentTarget;
  if (!(item instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return;
  const within = event.target !== item;
  if (within && event.key !== "Escape") return;
  const action = {
    Enter: usable && (() => actions.reply(message.entry)),
    r: usable && (() => actions.reply(message.entry)),
    e: usable && mine && (() => actions.edit(message.entry)),
    Delete: usable && mine && (() => actions.remove(message.entry)),
    "+": usable && (() => onReacting(true)),
    Escape: () => (within ? item.focus() : actions.leave()),
    ArrowUp: () => step(item, -1),
    ArrowDown: () => step(item, 1),
    Home: () => stepTo(item, 0),
    End: () => stepTo(item, -1),
  }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

const siblingsOf = (item: HTMLElement) => [
  ...(item.parentElement?.querySelectorAll<HTMLElement>("[data-testid=message]") ?? []),
];

function step(item: HTMLElement, by: number): void {
  const items = siblingsOf(item);
  items[Math.max(0, items.indexOf(item) + by)]?.focus();
}

const stepTo = (item: HTMLElement, at: number) => siblingsOf(item).at(at)?.focus();

function Quote({ original, names }: { original: NonNullable<Entry["replyTo"]>; names: Session["names"] }) {
  return (
    <blockquote class="quote">
      <span class="author">{names.get(original.senderId) ?? original.senderId}</span>
      <span class="quoted">{original.content}</span>
    </blockquote>
  );
}

const TICKS = {
  pending: { icon: "clock", words: "Sending" },
  failed: { icon: "failed", words: "Not sent" },
  sent: { icon: "tick", words: "Delivered" },
  read: { icon: "ticks", words: "Read by all" },
} as const;

function Ticks({ progress }: { progress: Progress }) {
  if (progress === "received") return null;
  const { icon, words } = TICKS[progress];
  return (
    <span class="ticks" data-progress={progress} title={words}>
      <Icon of={icon} />
      <span class="visually-hidden">{words}</span>
    </span>
  );
}

function Failure({ message, actions }: { message: MessageItem; actions: MessageActions }) {
  return (
    <p class="failure" role="alert">
      Not sent: {message.draft?.failed}
      <button type="button" class="link" onClick={() => actions.retry(message)}>
        Send again
      </button>
      <button type="button" class="link" onClick={() => actions.discard(message)}>
        Discard
      </button>
    </p>
  );
}

/** The most avatars in a row. */
const SHOWN = 6;

function Readers({ readers, names }: { readers: readonly string[]; names: Session["names"] }) {
  if (readers.length === 0) return null;
  return (
    <ul class="readers" aria-label="Read up to here by">
      {readers.slice(0, SHOWN).map((userId) => (
        <li key={userId} data-testid={`receipt-${userId}`} title={`Read by ${names.get(userId) ?? userId}`}>
          <Avatar userId={userId} name={names.get(userId) ?? userId} />
          <span class="visually-hidden">{names.get(userId) ?? userId}</span>
        </li>
      ))}
      {readers.length > SHOWN && <li class="more">+{readers.length - SHOWN}</li>}
    </ul>
  );
}
