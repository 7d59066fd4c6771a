/** Keeps a chat where its reader is: at its end while they are there, in its place while older messages come in above. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat.ts";
import type { Session } from "./session.ts";

/** So near to an edge, in pixels, is at it. */
const END = 48;
const START = 240;

export interface Scrolling {
  /** The reader sees the newest message. */
  readonly atEnd: boolean;
  toEnd(): void;
}

/** `older` is called whenever older messages are needed; it may be called while they are on their way. */
export function useScrolling(
  list: RefObject<HTMLElement | null>,
  chat: Chat,
  session: Pick<Session, "drafts">,
  older: () => void,
): Scrolling {
  const [atEnd, setAtEnd] = useState(true);
  const place = useRef({ atEnd: true, height: 0, first: chat.entries[0]?.key, drafts: 0, begun: false });
  const ready = chat.heard === undefined && chat.marker !== undefined;

  const look = () => {
    const element = list.current;
    // Nothing is seen of a pane that is hidden.
    if (element === null || element.clientHeight === 0) return;
    place.current.atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END;
    setAtEnd(place.current.atEnd);
    if (element.scrollTop < START && ready) older();
  };
  const toEnd = () => {
    if (list.current !== null) list.current.scrollTop = list.current.scrollHeight;
    look();
  };

  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    const was = place.current;
    const first = chat.entries[0]?.key;
    if (session.drafts.length > was.drafts) was.atEnd = true;
    if (was.atEnd) element.scrollTop = element.scrollHeight;
    else if (first !== was.first) element.scrollTop += element.scrollHeight - was.height;
    if (ready && !was.begun) begin(element);
    place.current = {
      ...was,
      height: element.scrollHeight,
      first,
      drafts: session.drafts.length,
      begun: was.begun || ready,
    };
    look();
  }, [chat, session.drafts]);

  useEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const resized = new ResizeObserver(() => {
      if (place.current.atEnd) element.scrollTop = element.scrollHeight;
      look();
    });
    resized.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener("scroll", look);
    };
  });

  return { atEnd, toEnd };
}

/** A chat opens where the reader left off, when that is above what its end shows. */
function begin(element: HTMLElement): void {
  const divider = element.querySelector<HTMLElement>(".divider");
  if (divider !== null && divider.offsetTop < element.scrollTop) element.scrollTop = divider.offsetTop;
}
