import { describe, expect, test } from "vitest";
import { EFFECTS, type Input, PUBLIC_STATE, type State, TABLE } from "./state-machine.ts";

const STATES = Object.keys(TABLE) as State[];
const INPUTS = Object.keys(TABLE.idle) as Input[];

/** All transitions, by input. Every other input leaves the state as it is. */
const TRANSITIONS: Readonly<Record<Input, Partial<Record<State, State>>>> = {
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
  resumable: { opening: "resuming" },
  resumed: { resuming: "live" },
  lost: { authorizing: "waiting", opening: "waiting", resuming: "waiting", live: "waiting" },
  refused: { opening: "authorizing", resuming: "authorizing", live: "authorizing" },
  fatal: { authorizing: "stopped", opening: "stopped", resuming: "stopped", live: "stopped" },
  retry: { waiting: "authorizing" },
};

describe.each(STATES)("in the state %s", (state) => {
  test.each(INPUTS)("the input %s leads where it should", (input) => {
    expect(TABLE[state][input]).toBe(TRANSITIONS[input][state] ?? state);
  });

  test("every input has an answer", () => {
    expect(new Set(Object.keys(TABLE[state]))).toEqual(new Set(Object.keys(TRANSITIONS)));
  });

  test("disconnect() always ends it", () => {
    expect(TABLE[state].disconnect).toBe("idle");
  });

  test("sockets, timers and fetches are released, unless the state goes on with them", () => {
    const keeps = ["opening", "resuming", "live"].includes(state);
    expect(EFFECTS[state].includes("release")).toBe(!keeps);
  });
});

test("only connect() leaves a state without activity", () => {
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

test("every state before live is reported as connecting", () => {
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
