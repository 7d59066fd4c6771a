/** One user's half of the page. */
import type { Choice, ConnectionChanged } from "@signalbox/client";
import { useEffect, useState } from "preact/hooks";
import type { User } from "./chat.ts";
import { ChatView } from "./chat-view.tsx";
import type { Endpoints } from "./endpoints.ts";
import { EventLogView } from "./event-log-view.tsx";
import { GatewayChoice } from "./gateway-choice.tsx";
import type { NodeHealth } from "./health.ts";
import { Icon } from "./icons.tsx";
import { type PaneUser, useSession } from "./pane-user.ts";
import { Avatar, Presence } from "./people.tsx";
import { RoomList } from "./room-list.tsx";
import type { Session } from "./session.ts";
import type { SessionStore } from "./session-store.ts";
import { SignInForm } from "./sign-in-form.tsx";

export interface PaneProps {
  user: PaneUser;
  /** The user of the other pane. */
  other: User | undefined;
  endpoints: Endpoints;
  health: readonly NodeHealth[];
  hidden: boolean;
}

export function Pane({ user, other, endpoints, health, hidden }: PaneProps) {
  const session = useSession(user.store);
  const { store } = user;
  return (
    <section
      class="pane"
      data-testid={`pane-${user.id}`}
      aria-label={`Pane of ${user.name}`}
      hidden={hidden}
      onKeyDownCapture={() => store?.active()}
      onPointerDownCapture={() => store?.active()}
    >
      {store !== undefined && session !== undefined ? (
        <SignedIn user={user} store={store} session={session} other={other} endpoints={endpoints} health={health} />
      ) : (
        <SignInForm user={user} endpoints={endpoints} />
      )}
    </section>
  );
}

interface SignedInProps extends Omit<PaneProps, "hidden"> {
  store: SessionStore;
  session: Session;
}

type Tab = "rooms" | "chat" | "events";

function SignedIn({ user, store, session, other, endpoints, health }: SignedInProps) {
  const chatId = session.chat?.chatId;
  const [tab, setTab] = useState<Tab>(chatId === undefined ? "rooms" : "chat");
  // On a narrow screen, a chat that is opened comes to the front.
  useEffect(() => setTab(chatId === undefined ? "rooms" : "chat"), [chatId]);
  return (
    <>
      <PaneHead user={user} store={store} session={session} endpoints={endpoints} />
      {session.problem !== undefined && (
        <p class="problem" role="alert">
          {session.problem}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => store.dismissProblem()}>
            <Icon of="close" />
          </button>
        </p>
      )}
      <div class="columns" data-tab={tab}>
        <RoomList store={store} session={session} other={other} onOpen={() => setTab("chat")} />
        <ChatView key={chatId} store={store} session={session} />
        <EventLogView session={session} health={health} />
      </div>
      <Tabs tab={tab} unread={session.rooms.reduce((sum, { unread }) => sum + unread, 0)} choose={setTab} />
    </>
  );
}

function Tabs({ tab, unread, choose }: { tab: Tab; unread: number; choose(tab: Tab): void }) {
  const names: Record<Tab, string> = { rooms: "Rooms", chat: "Chat", events: "Events" };
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

function PaneHead({
  user,
  store,
  session,
  endpoints,
}: Pick<SignedInProps, "user" | "store" | "session" | "endpoints">) {
  const { me, presence, connection } = session;
  const status = presence.get(me.userId) ?? "offline";
  return (
    <header class="pane-head">
      <span class="self">
        <Avatar userId={me.userId} name={me.name} />
        <Presence userId={me.userId} status={status} />
      </span>
      <h2>{me.name}</h2>
      <select
        aria-label="Your presence"
        class="plain"
        value={status === "offline" ? "online" : status}
        disabled={connection.state !== "live"}
        onChange={({ currentTarget }) => store.setPresence(currentTarget.value as Choice)}
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
        <button type="button" class="quiet" onClick={() => store.reconnect()}>
          Connect again
        </button>
      )}
      <GatewayChoice user={user} endpoints={endpoints} />
      <button type="button" class="quiet" aria-label="Sign out" title="Sign out" onClick={() => user.signOut()}>
        <Icon of="signOut" />
      </button>
    </header>
  );
}

function wordsOf({ state, retryInMs, code }: ConnectionChanged): string {
  if (state === "waiting") return `reconnecting in ${((retryInMs ?? 0) / 1000).toFixed(1)} s`;
  if (state === "stopped") return code === undefined ? "stopped" : `stopped: ${code}`;
  return state === "idle" ? "off" : state;
}
