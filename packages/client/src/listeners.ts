import type { Events } from "./events.ts";

type Handler<Name extends keyof Events> = (event: Events[Name]) => void;

/** Who listens to what. `Realtime.on` says what they may rely on. */
export interface Listeners {
  on<Name extends keyof Events>(name: Name, handler: Handler<Name>): () => void;
  removeAll(): void;
  /** An event that a handler causes is told after the one that it is being told: all handlers hear all in one order. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

export function createListeners(): Listeners {
  /** Each registration is an object of its own: the same handler may be registered twice, and ends once for each. */
  const registered = new Map<keyof Events, Set<{ readonly handler: (event: never) => void }>>();
  /** What is being told, and what handlers caused meanwhile. Empty whenever no handler runs. */
  const queue: { readonly name: keyof Events; readonly event: unknown }[] = [];

  function tell(name: keyof Events, event: unknown): void {
    const those = registered.get(name) ?? new Set();
    // A handler that is added meanwhile hears the next event; one that is removed meanwhile hears no more.
    for (const registration of [...those]) {
      if (!those.has(registration)) continue;
      try {
        registration.handler(event as never);
      } catch (error) {
        // It is reported as an uncaught error, and the handlers behind it hear the event all the same.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  return {
    on(name, handler) {
      const registration = { handler };
      const those = registered.get(name) ?? new Set();
      registered.set(name, those.add(registration));
      return () => void those.delete(registration);
    },

    removeAll() {
      for (const those of registered.values()) those.clear();
    },

    emit(name, event) {
      queue.push({ name, event });
      if (queue.length > 1) return;
      for (let next = queue[0]; next !== undefined; next = queue[0]) {
        tell(next.name, next.event);
        queue.shift();
      }
    },
  };
}
