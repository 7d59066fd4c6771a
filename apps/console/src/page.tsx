/** The page: two panes for two people, and what is above them. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { type NodeHealth, nodesOf, watchHealth } from "./health.ts";
import { Lamps } from "./icons.tsx";
import { Keys } from "./keys.tsx";
import { Pane } from "./pane.tsx";
import { personOf } from "./person.ts";
import type { Places } from "./places.ts";
import { type Seat, type SeatId, useSeat } from "./seat.ts";

type View = SeatId | "both";

export function Page({ places }: { places: Places }) {
  const a = useSeat("a", "Alice", places);
  const b = useSeat("b", "Bob", places);
  const health = useHealth(places);
  const narrow = useNarrow();
  const [chosen, setChosen] = useState<View>("both");
  const view = narrow && chosen === "both" ? "a" : chosen;
  const away = [a, b].filter(({ live, entering }) => live === undefined && !entering);
  const enterBoth = () => {
    for (const seat of away) seat.enter();
  };

  return (
    <>
      <header class="top">
        <Lamps />
        <h1>Signalbox</h1>
        <ViewSwitch seats={[a, b]} view={view} narrow={narrow} choose={setChosen} />
        <span class="gap" />
        {away.length === 2 && !narrow && (
          <button type="button" class="primary" onClick={enterBoth}>
            Sign in both
          </button>
        )}
        <Keys />
      </header>
      <main class="panes" data-view={view}>
        {[a, b].map((seat) => (
          <Pane
            key={seat.id}
            seat={seat}
            other={personOf((seat === a ? b : a).name)}
            places={places}
            health={health}
            hidden={view !== "both" && view !== seat.id}
          />
        ))}
      </main>
    </>
  );
}

interface ViewSwitchProps {
  seats: readonly Seat[];
  view: View;
  /** There is room for one pane only. */
  narrow: boolean;
  choose(view: View): void;
}

function ViewSwitch({ seats, view, narrow, choose }: ViewSwitchProps) {
  const choices: { id: View; name: string }[] = seats.map(({ id, name }) => ({ id, name: name.trim() || id }));
  if (!narrow) choices.splice(1, 0, { id: "both", name: "Both" });
  return (
    <nav class="switch" aria-label="Panes">
      {choices.map(({ id, name }) => (
        <button key={id} type="button" aria-pressed={view === id} onClick={() => choose(id)}>
          {name}
        </button>
      ))}
    </nav>
  );
}

function useHealth(places: Places): readonly NodeHealth[] {
  const nodes = useMemo(() => nodesOf(places), [places]);
  const [health, setHealth] = useState<readonly NodeHealth[]>(
    nodes.map((node) => ({ ...node, status: undefined, ms: undefined })),
  );
  useEffect(() => watchHealth(nodes, setHealth), [nodes]);
  return health;
}

function useNarrow(): boolean {
  const query = useMemo(() => matchMedia("(max-width: 899px)"), []);
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const turn = () => setNarrow(query.matches);
    query.addEventListener("change", turn);
    return () => query.removeEventListener("change", turn);
  }, [query]);
  return narrow;
}
