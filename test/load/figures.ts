/** The figures that are kept for each version, their ratios to the bare floor, and the output of both. */

/** The results of `npm run measure`. */
export interface Figures {
  readonly deliveriesPerSecond: number;
  /** From the sender to a receiver, in ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the gateway for each delivery, in microseconds. */
  readonly microsPerDelivery: number;
  /** CPU of the gateway during fan-out, in % of a core. */
  readonly corePercent: number;
  /** Durable, acknowledged sends. */
  readonly sendsPerSecond: number;
  /** Those, divided by the sends of one transaction per message. */
  readonly timesOneByOne: number;
  /** Resident memory of an idle session, in KiB. */
  readonly idleKb: number;
}

/** A column of a table, with the digits behind the point of its numbers. */
export interface Column<Key extends string = string> {
  readonly key: Key;
  readonly title: string;
  readonly digits: number;
}

export const FIGURES: readonly Column<keyof Figures>[] = [
  { key: "deliveriesPerSecond", title: "deliveries/s", digits: 0 },
  { key: "p50Ms", title: "p50 ms", digits: 1 },
  { key: "p99Ms", title: "p99 ms", digits: 1 },
  { key: "microsPerDelivery", title: "µs/delivery", digits: 2 },
  { key: "corePercent", title: "% of a core", digits: 1 },
  { key: "sendsPerSecond", title: "sends/s", digits: 0 },
  { key: "timesOneByOne", title: "× one by one", digits: 1 },
  { key: "idleKb", title: "idle KB", digits: 1 },
];

/** The figures that the floor programs have too. */
type Compared = "p50Ms" | "p99Ms" | "microsPerDelivery" | "sendsPerSecond" | "idleKb";
/** The product's cost as a multiple of the floor's: more is worse, for sends as well. */
export type Ratios = Readonly<Record<Compared, number>>;
/** The results of the floor programs, one for each of their runs. */
export type Floors = Readonly<Record<Compared, readonly number[]>>;

export const RATIOS: readonly Column<Compared>[] = [
  { key: "p50Ms", title: "fan-out, p50", digits: 2 },
  { key: "p99Ms", title: "fan-out, p99", digits: 2 },
  { key: "microsPerDelivery", title: "fan-out, CPU", digits: 2 },
  { key: "sendsPerSecond", title: "sends", digits: 2 },
  { key: "idleKb", title: "idle session", digits: 2 },
];

/** The names and units of a comparison. */
const NAMES: Readonly<Record<Compared, { readonly name: string; readonly unit: string }>> = {
  p50Ms: { name: "fan-out", unit: " ms p50" },
  p99Ms: { name: "fan-out", unit: " ms p99" },
  microsPerDelivery: { name: "fan-out", unit: " µs per delivery" },
  sendsPerSecond: { name: "sends", unit: " a second" },
  idleKb: { name: "idle session", unit: " KB" },
};

/** A ratio this many times the recorded one is worse; below, it is noise. */
const WORSE = 1.05;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A number with separated thousands and `digits` digits behind the point. */
export const printed = (value: number, digits: number): string =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** The product's cost over the mean of the floor's. */
export function ratiosOf(figures: Figures, floors: Floors): Ratios {
  const cost = (key: Compared) => figures[key] / mean(floors[key]);
  return {
    p50Ms: cost("p50Ms"),
    p99Ms: cost("p99Ms"),
    microsPerDelivery: cost("microsPerDelivery"),
    // The more sends a second, the less each costs.
    sendsPerSecond: 1 / cost("sendsPerSecond"),
    idleKb: cost("idleKb"),
  };
}

/** The figures in a table of two columns. */
export function summary(figures: Figures): string {
  const rows = FIGURES.map(({ key, title, digits }) => [title, printed(figures[key], digits)] as const);
  const titles = Math.max(...rows.map(([title]) => title.length));
  const numbers = Math.max(...rows.map(([, number]) => number.length));
  return rows.map(([title, number]) => `${title.padEnd(titles)}  ${number.padStart(numbers)}`).join("\n");
}

/** A line for each ratio, beside the recorded one where there is one. */
export function comparison(
  figures: Figures,
  floors: Floors,
  recorded: { readonly label: string; readonly ratios: Partial<Ratios> } | undefined,
): string {
  const ratios = ratiosOf(figures, floors);
  const lines = RATIOS.map(({ key, digits }) => {
    const { name, unit } = NAMES[key];
    const own = FIGURES.find((column) => column.key === key)!.digits;
    const runs = floors[key].map((value) => printed(value, own));
    const floor = `${printed(mean(floors[key]), own)}${runs.length > 1 ? ` (${runs.join(", ")})` : ""}`;
    const line = `${name}: ${printed(figures[key], own)}${unit}, floor ${floor}: ${printed(ratios[key], digits)} times`;
    const before = recorded?.ratios[key];
    if (before === undefined) return line;
    return `${line}, recorded ${printed(before, digits)}${ratios[key] > before * WORSE ? ": worse" : ""}`;
  });
  return [...lines, recorded === undefined ? "no ratios are recorded" : `recorded: ${recorded.label}`].join("\n");
}
