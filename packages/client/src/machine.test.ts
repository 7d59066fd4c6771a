import { describe, expect, test } from "vitest";
import { EFFECTS, type Input, PUBLIC_STATE, type State, TABLE } from "./machine.ts";

const STATES = Object.keys(TABLE) as State[];
const INPUTS = Object.keys(TABLE.idle) as Input[];

/** Every move that there is, told from its input; whatever is not here stays where it is. */
const MOVES: Readonly<Record<Input, Partial<Record<State, State>>>> = {
  connect: { idle: "authorizing", waiting: "authorizing", stopped: "authorizing" },
  disconnect: {
    authorizing: "idle",
    opening: "idle",
    resuming: "idle",
    live: "idle",
    waiting: "idle",
    stopped: "idle",
  },
  token: { authorizing: "opening" },
  ready: { opening: "live" },
  parked: { opening: "resuming" },
  resumed: { resuming: "live" },
  lost: { authorizing: "waiting", opening: "waiting", resuming: "waiting", live: "waiting" },
  refused: { opening: "authorizing", resuming: "authorizing", live: "authorizing" },
  over: { authorizing: "stopped", opening: "stopped", resuming: "stopped", live: "stopped" },
  due: { waiting: "authorizing" },
};

describe.each(STATES)("in the state %s", (state) => {
  test.each(INPUTS)("the input %s leads where it should", (input) => {
    expect(TABLE[state][input]).toBe(MOVES[input][state] ?? state);
  });

  test("every input has an answer", () => {
    expect(new Set(Object.keys(TABLE[state]))).toEqual(new Set(Object.keys(MOVES)));
  });

  test("one can always end it", () => {
    expect(TABLE[state].disconnect).toBe("idle");
  });

  test("a socket, a timer or a fetch from before is given back, unless the state goes on with it", () => {
    const goesOn = ["opening", "resuming", "live"].includes(state);
    expect(EFFECTS[state].includes("drop")).toBe(!goesOn);
  });
});

test("only connect() leads out of where nothing is under way", () => {
  for (const state of ["idle", "stopped"] as const) {
    const out = INPUTS.filter((input) => !["idle", "stopped"].includes(TABLE[state][input]));
    expect(out).toEqual(["connect"]);
  }
});

test("only READY of a first connection and RESUMED lead to live", () => {
  const ways = STATES.flatMap((state) =>
    INPUTS.filter((input) => state !== "live" && TABLE[state][input] === "live").map((input) => `${state} ${input}`),
  );
  expect(ways).toEqual(["opening ready", "resuming resumed"]);
});

test("what is on its way to live is called connecting", () => {
  expect(PUBLIC_STATE).toEqual({
    idle: "idle",
    authorizing: "connecting",
    opening: "connecting",
    resuming: "connecting",
    live: "live",
    waiting: "waiting",
    stopped: "stopped",
  });
});
