/** The user of a pane, and the gateway of their connection. Both are remembered over a reload of the page. */
import { createClient, SignalboxError } from "@signalbox/client";
import { useEffect, useMemo, useState } from "preact/hooks";
import { type Endpoints, gatewayName } from "./endpoints.ts";
import type { Session } from "./session.ts";
import { reasonOf, SessionStore } from "./session-store.ts";
import { userNamed } from "./user-name.ts";

export type PaneId = "a" | "b";

export interface PaneUser {
  readonly id: PaneId;
  readonly name: string;
  /** The index of the gateway. */
  readonly gateway: number;
  /** The session, once the user has signed in. */
  readonly store: SessionStore | undefined;
  /** Signing in is under way. */
  readonly signingIn: boolean;
  /** The reason why signing in failed. */
  readonly problem: string | undefined;
  setName(name: string): void;
  /** Chooses a gateway, and reconnects a signed-in user there. */
  setGateway(gateway: number): void;
  signIn(): void;
  signOut(): void;
}

interface Remembered {
  name: string;
  gateway: number;
  /** The user is signed in, or signing in. */
  signedIn: boolean;
  chatId: string | undefined;
}

/** The state of one of the two panes. */
export function usePaneUser(id: PaneId, defaultName: string, endpoints: Endpoints): PaneUser {
  const first = useMemo(() => recall(id, endpoints) ?? fresh(id, defaultName, endpoints), []);
  const [name, setName] = useState(first.name);
  const [gateway, setGateway] = useState(first.gateway);
  const [store, setStore] = useState<SessionStore>();
  const [signingIn, setSigningIn] = useState(false);
  const [signedIn, setSignedIn] = useState(first.signedIn);
  const [problem, setProblem] = useState<string>();

  const signIn = async (at: number, chatId?: string) => {
    const me = userNamed(name);
    if (me === undefined || signingIn) return;
    setSigningIn(true);
    setSignedIn(true);
    setProblem(undefined);
    const next = new SessionStore({ client: clientOf(endpoints, id, at), me, node: gatewayName(endpoints, at) });
    try {
      await next.start();
      if (chatId !== undefined) next.open(chatId);
      setStore(next);
    } catch (error) {
      next.stop();
      setSignedIn(false);
      setProblem(problemOf(error));
    }
    setSigningIn(false);
  };
  const signOut = () => {
    store?.stop();
    setStore(undefined);
    setSignedIn(false);
  };

  useEffect(() => {
    if (first.signedIn) void signIn(first.gateway, first.chatId);
  }, []);
  const chatId = useSession(store)?.chat?.chatId;
  useEffect(() => {
    // While signing in, the chat is not open yet: a second reload must restore the same as the first.
    if (!signingIn) remember(id, { name, gateway, signedIn, chatId: store === undefined ? first.chatId : chatId });
  }, [name, gateway, store, signedIn, chatId, signingIn]);

  return {
    id,
    name,
    gateway,
    store,
    signingIn,
    problem,
    setName,
    setGateway(next) {
      setGateway(next);
      if (store === undefined) return;
      signOut();
      void signIn(next, chatId);
    },
    signIn: () => void signIn(gateway),
    signOut,
  };
}

/** A hook: the state of a session, with a new render on each change. */
export function useSession(store: SessionStore | undefined): Session | undefined {
  const [, setSeen] = useState<Session>();
  useEffect(() => {
    if (store === undefined) return undefined;
    setSeen(store.session);
    return store.watch(() => setSeen(store.session));
  }, [store]);
  return store?.session;
}

/** The reason of a failed sign-in, for the user. */
const problemOf = (error: unknown) =>
  error instanceof SignalboxError && error.status === 404
    ? "This server gives out no tokens: it runs with a secret or keys of its own."
    : reasonOf(error);

function clientOf(endpoints: Endpoints, id: PaneId, gateway: number) {
  const { apis, gateways, signInUrl } = endpoints;
  return createClient({
    // Each pane uses an API node of its own when there are several.
    apiUrl: apis[(id === "a" ? 0 : 1) % apis.length] ?? "",
    gatewayUrl: gateways[gateway] ?? "",
    authUrl: signInUrl,
  });
}

const fresh = (id: PaneId, name: string, { gateways }: Endpoints): Remembered => ({
  name,
  gateway: (id === "a" ? 0 : 1) % gateways.length,
  signedIn: false,
  chatId: undefined,
});

const keyOf = (id: PaneId) => `signalbox.${id}`;

function remember(id: PaneId, user: Remembered): void {
  sessionStorage.setItem(keyOf(id), JSON.stringify(user));
}

function recall(id: PaneId, { gateways }: Endpoints): Remembered | undefined {
  const text = sessionStorage.getItem(keyOf(id));
  if (text === null) return undefined;
  const user = JSON.parse(text) as Remembered;
  return { ...user, gateway: Math.min(user.gateway, gateways.length - 1) };
}
