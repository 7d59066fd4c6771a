import type { Events } from "./events.ts";

type Handler<Name extends keyof Events> = (event: Events[Name]) => void;

/** The registered handlers. `Realtime.on` documents their guarantees. */
export interface Listeners {
  on<Name extends keyof Events>(name: Name, handler: Handler<Name>): () => void;
  removeAll(): void;
  /** Calls the handlers of an event. An event that a handler causes follows after this one, so all handlers see the same order. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

export function createListeners(): Listeners {
  /** Each registration is an object of its own: the same handler may be registered twice, and is removed once for each. */
  const registered = new Map<keyof Events, Set<{ readonly handler: (event: never) => void }>>();
  /** The event that is being emitted, then those that handlers caused meanwhile. Empty whenever no handler runs. */
  const queue: { readonly name: keyof Events; readonly event: unknown }[] = [];

  function dispatch(name: keyof Events, event: unknown): void {
    const handlers = registered.get(name) ?? new Set();
    // A handler that is added meanwhile gets the next event; one that is removed meanwhile gets no more.
    for (const registration of [...handlers]) {
      if (!handlers.has(registration)) continue;
      try {
        registration.handler(event as never);
      } catch (error) {
        // Reported as an uncaught error, so that the other handlers still get the event.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  return {
    on(name, handler) {
      const registration = { handler };
      const handlers = registered.get(name) ?? new Set();
      registered.set(name, handlers.add(registration));
      return () => void handlers.delete(registration);
    },

    removeAll() {
      for (const handlers of registered.values()) handlers.clear();
    },

    emit(name, event) {
      queue.push({ name, event });
      if (queue.length > 1) return;
      for (let next = queue[0]; next !== undefined; next = queue[0]) {
        dispatch(next.name, next.event);
        queue.shift();
      }
    },
  };
}
