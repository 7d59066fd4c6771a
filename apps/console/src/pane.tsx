/** One person's half of the page. */
import type { Choice, ConnectionChanged } from "@signalbox/client";
import { useEffect, useState } from "preact/hooks";
import type { Person } from "./chat.ts";
import { ChatView } from "./chat-view.tsx";
import { Entrance } from "./entrance.tsx";
import { GatewayChoice } from "./gateway-choice.tsx";
import type { NodeHealth } from "./health.ts";
import { Icon } from "./icons.tsx";
import type { Live } from "./live.ts";
import { Circle, Presence } from "./people.tsx";
import type { Places } from "./places.ts";
import { RoomList } from "./room-list.tsx";
import { type Seat, useSession } from "./seat.ts";
import type { Session } from "./session.ts";
import { WireView } from "./wire-view.tsx";

export interface PaneProps {
  seat: Seat;
  /** Who sits in the other pane. */
  other: Person | undefined;
  places: Places;
  health: readonly NodeHealth[];
  hidden: boolean;
}

export function Pane({ seat, other, places, health, hidden }: PaneProps) {
  const session = useSession(seat.live);
  const { live } = seat;
  const inside = live !== undefined && session !== undefined;
  return (
    <section
      class="pane"
      data-testid={`pane-${seat.id}`}
      aria-label={`Pane of ${seat.name}`}
      hidden={hidden}
      onKeyDownCapture={() => live?.active()}
      onPointerDownCapture={() => live?.active()}
    >
      {inside ? (
        <Inside seat={seat} live={live} session={session} other={other} places={places} health={health} />
      ) : (
        <Entrance seat={seat} places={places} />
      )}
    </section>
  );
}

interface InsideProps extends Omit<PaneProps, "hidden"> {
  live: Live;
  session: Session;
}

type Tab = "rooms" | "chat" | "wire";

function Inside({ seat, live, session, other, places, health }: InsideProps) {
  const chatId = session.chat?.chatId;
  const [tab, setTab] = useState<Tab>(chatId === undefined ? "rooms" : "chat");
  // Where there is room for one thing only, a chat that is opened comes to the front.
  useEffect(() => setTab(chatId === undefined ? "rooms" : "chat"), [chatId]);
  return (
    <>
      <PaneHead seat={seat} live={live} session={session} places={places} />
      {session.problem !== undefined && (
        <p class="problem" role="alert">
          {session.problem}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => live.dismiss()}>
            <Icon of="close" />
          </button>
        </p>
      )}
      <div class="columns" data-tab={tab}>
        <RoomList live={live} session={session} other={other} onOpen={() => setTab("chat")} />
        <ChatView key={chatId} live={live} session={session} />
        <WireView session={session} health={health} />
      </div>
      <Tabs tab={tab} unread={session.rooms.reduce((sum, { unread }) => sum + unread, 0)} choose={setTab} />
    </>
  );
}

function Tabs({ tab, unread, choose }: { tab: Tab; unread: number; choose(tab: Tab): void }) {
  const names: Record<Tab, string> = { rooms: "Rooms", chat: "Chat", wire: "Wire" };
  return (
    <nav class="tabs" aria-label="Parts of the pane">
      {(Object.keys(names) as Tab[]).map((each) => (
        <button key={each} type="button" aria-pressed={tab === each} onClick={() => choose(each)}>
          {names[each]}
          {each === "rooms" && unread > 0 && <span class="badge">{unread > 99 ? "99+" : unread}</span>}
        </button>
      ))}
    </nav>
  );
}

const CHOICES: Record<Choice, string> = {
  online: "Online",
  idle: "Idle",
  busy: "Busy",
  appear_offline: "Appear offline",
};

function PaneHead({ seat, live, session, places }: Pick<InsideProps, "seat" | "live" | "session" | "places">) {
  const { me, presence, connection } = session;
  const status = presence.get(me.userId) ?? "offline";
  return (
    <header class="pane-head">
      <span class="self">
        <Circle userId={me.userId} name={me.name} />
        <Presence userId={me.userId} status={status} />
      </span>
      <h2>{me.name}</h2>
      <select
        aria-label="Your presence"
        class="plain"
        value={status === "offline" ? "online" : status}
        disabled={connection.state !== "live"}
        onChange={({ currentTarget }) => live.choose(currentTarget.value as Choice)}
      >
        {Object.entries(CHOICES).map(([choice, words]) => (
          <option key={choice} value={choice}>
            {words}
          </option>
        ))}
      </select>
      <span class="gap" />
      <p class="connection" data-testid="connection" data-state={connection.state} role="status">
        {wordsOf(connection)}
      </p>
      {connection.state === "stopped" && (
        <button type="button" class="quiet" onClick={() => live.restart()}>
          Connect again
        </button>
      )}
      <GatewayChoice seat={seat} places={places} />
      <button type="button" class="quiet" aria-label="Sign out" title="Sign out" onClick={() => seat.leave()}>
        <Icon of="leave" />
      </button>
    </header>
  );
}

function wordsOf({ state, retryInMs, code }: ConnectionChanged): string {
  if (state === "waiting") return `again in ${((retryInMs ?? 0) / 1000).toFixed(1)} s`;
  if (state === "stopped") return code === undefined ? "stopped" : `stopped: ${code}`;
  return state === "idle" ? "off" : state;
}
