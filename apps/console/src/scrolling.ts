/** Keeps the scroll position of a chat: at the end while the user is there, in place while older messages are added above. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Chat } from "./chat.ts";
import type { Session } from "./session.ts";

/** The distance to an edge, in pixels, that counts as being there. */
const END = 48;
const START = 240;

export interface Scrolling {
  /** The newest message is visible. */
  readonly atEnd: boolean;
  toEnd(): void;
}

/** `loadOlder` is called when older messages are needed, also while they are loading. */
export function useScrolling(
  list: RefObject<HTMLElement | null>,
  chat: Chat,
  session: Pick<Session, "drafts">,
  loadOlder: () => void,
): Scrolling {
  const [atEnd, setAtEnd] = useState(true);
  const place = useRef({ atEnd: true, height: 0, first: chat.entries[0]?.key, drafts: 0, opened: false });
  const ready = chat.sinceRequest === undefined && chat.marker !== undefined;

  const update = () => {
    const element = list.current;
    // A hidden pane has no position.
    if (element === null || element.clientHeight === 0) return;
    place.current.atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END;
    setAtEnd(place.current.atEnd);
    if (element.scrollTop < START && ready) loadOlder();
  };
  const toEnd = () => {
    if (list.current !== null) list.current.scrollTop = list.current.scrollHeight;
    update();
  };

  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return;
    const was = place.current;
    const first = chat.entries[0]?.key;
    if (session.drafts.length > was.drafts) was.atEnd = true;
    if (was.atEnd) element.scrollTop = element.scrollHeight;
    else if (first !== was.first) element.scrollTop += element.scrollHeight - was.height;
    if (ready && !was.opened) scrollToDivider(element);
    place.current = {
      ...was,
      height: element.scrollHeight,
      first,
      drafts: session.drafts.length,
      opened: was.opened || ready,
    };
    update();
  }, [chat, session.drafts]);

  useEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const resized = new ResizeObserver(() => {
      if (place.current.atEnd) element.scrollTop = element.scrollHeight;
      update();
    });
    resized.observe(element);
    element.addEventListener("scroll", update, { passive: true });
    return () => {
      resized.disconnect();
      element.removeEventListener("scroll", update);
    };
  });

  return { atEnd, toEnd };
}

/** Scrolls a newly opened chat to the divider, if that is above the last screen. */
function scrollToDivider(element: HTMLElement): void {
  const divider = element.querySelector<HTMLElement>(".divider");
  if (divider !== null && divider.offsetTop < element.scrollTop) element.scrollTop = divider.offsetTop;
}
