/** A seat at the page: who sits in a pane, at which gateway. It is remembered over a reload of the page. */
import { createClient, SignalboxError } from "@signalbox/client";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Live, wordsOf } from "./live.ts";
import { personOf } from "./person.ts";
import { gatewayName, type Places } from "./places.ts";
import type { Session } from "./session.ts";

export type SeatId = "a" | "b";

export interface Seat {
  readonly id: SeatId;
  readonly name: string;
  /** Which of the gateways. */
  readonly gateway: number;
  /** The session, once somebody has signed in. */
  readonly live: Live | undefined;
  /** Signing in is on its way. */
  readonly entering: boolean;
  /** Why signing in did not work. */
  readonly problem: string | undefined;
  setName(name: string): void;
  /** Chooses a gateway; who is signed in moves over to it. */
  setGateway(gateway: number): void;
  enter(): void;
  leave(): void;
}

interface Remembered {
  name: string;
  gateway: number;
  /** Somebody is signed in, or is about to be. */
  inside: boolean;
  chatId: string | undefined;
}

/** A seat of its own for each of the two panes. */
export function useSeat(id: SeatId, defaultName: string, places: Places): Seat {
  const first = useMemo(() => recall(id, places) ?? fresh(id, defaultName, places), []);
  const [name, setName] = useState(first.name);
  const [gateway, setGateway] = useState(first.gateway);
  const [live, setLive] = useState<Live>();
  const [entering, setEntering] = useState(false);
  const [inside, setInside] = useState(first.inside);
  const [problem, setProblem] = useState<string>();

  const enter = async (at: number, chatId?: string) => {
    const me = personOf(name);
    if (me === undefined || entering) return;
    setEntering(true);
    setInside(true);
    setProblem(undefined);
    const next = new Live({ client: clientOf(places, id, at), me, node: gatewayName(places, at) });
    try {
      await next.start();
      if (chatId !== undefined) next.open(chatId);
      setLive(next);
    } catch (error) {
      next.stop();
      setInside(false);
      setProblem(refusalOf(error));
    }
    setEntering(false);
  };
  const leave = () => {
    live?.stop();
    setLive(undefined);
    setInside(false);
  };

  useEffect(() => {
    if (first.inside) void enter(first.gateway, first.chatId);
  }, []);
  const chatId = useSession(live)?.chat?.chatId;
  useEffect(() => {
    // While it is being entered, the chat is not open yet: a second reload brings back the same as the first.
    if (!entering) remember(id, { name, gateway, inside, chatId: live === undefined ? first.chatId : chatId });
  }, [name, gateway, live, inside, chatId, entering]);

  return {
    id,
    name,
    gateway,
    live,
    entering,
    problem,
    setName,
    setGateway(next) {
      setGateway(next);
      if (live === undefined) return;
      leave();
      void enter(next, chatId);
    },
    enter: () => void enter(gateway),
    leave,
  };
}

/** The state of a session, followed by whoever calls this. */
export function useSession(live: Live | undefined): Session | undefined {
  const [, setSeen] = useState<Session>();
  useEffect(() => {
    if (live === undefined) return undefined;
    setSeen(live.session);
    return live.watch(() => setSeen(live.session));
  }, [live]);
  return live?.session;
}

/** Why somebody cannot sign in. */
const refusalOf = (error: unknown) =>
  error instanceof SignalboxError && error.status === 404
    ? "This server gives out no tokens: it was started with a secret, or keys, of its own."
    : wordsOf(error);

function clientOf(places: Places, id: SeatId, gateway: number) {
  const { apis, gateways, signInUrl } = places;
  return createClient({
    // The two panes use different API nodes when there are several.
    apiUrl: apis[(id === "a" ? 0 : 1) % apis.length] ?? "",
    gatewayUrl: gateways[gateway] ?? "",
    authUrl: signInUrl,
  });
}

const fresh = (id: SeatId, name: string, { gateways }: Places): Remembered => ({
  name,
  gateway: (id === "a" ? 0 : 1) % gateways.length,
  inside: false,
  chatId: undefined,
});

const keyOf = (id: SeatId) => `signalbox.${id}`;

function remember(id: SeatId, seat: Remembered): void {
  sessionStorage.setItem(keyOf(id), JSON.stringify(seat));
}

function recall(id: SeatId, { gateways }: Places): Remembered | undefined {
  const text = sessionStorage.getItem(keyOf(id));
  if (text === null) return undefined;
  const seat = JSON.parse(text) as Remembered;
  return { ...seat, gateway: Math.min(seat.gateway, gateways.length - 1) };
}
