import type { Events } from "./events.ts";

type Handler<Name extends keyof Events> = (event: Events[Name]) => void;

/** Who listens to what. `Realtime.on` says what they may rely on. */
export interface Listeners {
  on<Name extends keyof Events>(name: Name, handler: Handler<Name>): () => void;
  removeAll(): void;
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

export function createListeners(): Listeners {
  /** Each registration is an object of its own: the same handler may be registered twice, and ends once for each. */
  const registered = new Map<keyof Events, Set<{ readonly handler: (event: never) => void }>>();

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
    },
  };
}
