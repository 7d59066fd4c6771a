import { expect, test, vi } from "vitest";
import type { MarkerMoved } from "./events.ts";
import { createListeners } from "./listeners.ts";

const marker: MarkerMoved = { type: "MARKER", chatId: "c", messageId: "m" };

test("a handler gets its own event only, until it is removed", () => {
  const listeners = createListeners();
  const heard = vi.fn();
  const off = listeners.on("marker", heard);
  listeners.emit("marker", marker);
  listeners.emit("connection", { state: "live" });
  off();
  off();
  listeners.emit("marker", marker);
  expect(heard.mock.calls).toEqual([[marker]]);
});

test("a handler that is registered twice is called twice, and each registration ends by itself", () => {
  const listeners = createListeners();
  const heard = vi.fn();
  const off = listeners.on("marker", heard);
  listeners.on("marker", heard);
  listeners.emit("marker", marker);
  off();
  listeners.emit("marker", marker);
  expect(heard).toHaveBeenCalledTimes(3);
});

test("a handler that throws is reported, and the others get the event", () => {
  const listeners = createListeners();
  const reported: (() => void)[] = [];
  vi.spyOn(globalThis, "queueMicrotask").mockImplementation((report) => void reported.push(report));
  const heard = vi.fn();
  listeners.on("marker", () => {
    throw new Error("a fault of the program");
  });
  listeners.on("marker", heard);
  listeners.emit("marker", marker);
  vi.restoreAllMocks();
  expect(heard).toHaveBeenCalledOnce();
  expect(reported).toHaveLength(1);
  expect(reported[0]).toThrow("a fault of the program");
});

test("handlers may be added and removed during an event", () => {
  const listeners = createListeners();
  const late = vi.fn();
  const gone = vi.fn();
  listeners.on("marker", () => {
    off();
    listeners.on("marker", late);
  });
  const off = listeners.on("marker", gone);
  listeners.emit("marker", marker);
  expect(gone).not.toHaveBeenCalled();
  expect(late).not.toHaveBeenCalled();
});

test("an event that a handler causes follows the current one, for all handlers", () => {
  const listeners = createListeners();
  const heard: string[] = [];
  listeners.on("connection", ({ state }) => {
    if (state === "live") listeners.emit("connection", { state: "idle" });
  });
  listeners.on("connection", ({ state }) => heard.push(state));
  listeners.emit("connection", { state: "live" });
  listeners.emit("connection", { state: "connecting" });
  expect(heard).toEqual(["live", "idle", "connecting"]);
});

test("no handler is called after all were removed, also in the middle of an event", () => {
  const listeners = createListeners();
  const heard = vi.fn();
  listeners.on("marker", () => listeners.removeAll());
  listeners.on("marker", heard);
  listeners.emit("marker", marker);
  listeners.emit("marker", marker);
  expect(heard).not.toHaveBeenCalled();
});
