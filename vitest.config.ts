import { defineConfig } from "vitest/config";

// Sources run as TypeScript: the packages' "development" export condition leads to src. The SDK's has a name of its own, since
// users' bundlers follow "development", too.
const conditions = ["development", "@signalbox/source", "node", "import", "module", "default"];
const resolve = { conditions };
const ssr = { resolve: { conditions, externalConditions: conditions } };
/** Suites that start servers: generous limits, since two cores carry servers, load and assertions alike. */
const servers = { testTimeout: 60_000, hookTimeout: 120_000 };

/** Suites of the SDK that take minutes: servers killed under it, networks cut, a thousand disconnects. */
const patient = ["restarts", "cut", "disconnects"].map((name) => `test/sdk/${name}.test.ts`);

const project = (name: string, include: string[], options: object = {}) => ({
  resolve,
  ssr,
  test: { name, include, ...options },
});

export default defineConfig({
  test: {
    // On two cores vitest would take one worker: most of the suite waits for servers and clocks, which three do at the same time.
    maxWorkers: 3,
    projects: [
      // Modules are read once a worker, not once a file: that is a quarter of this project's time.
      project(
        "unit",
        [
          "packages/*/src/**/*.test.ts",
          "apps/*/src/**/*.test.ts",
          "infra/src/**/*.test.ts",
          "test/*.test.ts",
          "test/lint/*.test.ts",
          "test/load/*.test.ts",
        ],
        { isolate: false, restoreMocks: true, testTimeout: 30_000 },
      ),
      project("conformance", ["test/conformance/**/*.test.ts"], servers),
      project("contract", ["test/contract/**/*.test.ts"], servers),
      project("cluster", ["test/cluster/**/*.test.ts"], { ...servers, fileParallelism: false }),
      project("sdk", ["test/sdk/**/*.test.ts", "test/examples/**/*.test.ts"], { ...servers, exclude: patient }),
      // Real windows of a browser, installed at first, before the real topology.
      project("browser", ["test/browser/**/*.test.ts"], { ...servers, hookTimeout: 600_000, fileParallelism: false }),
      // A real Synapse, installed at first, and outages after which it takes its time.
      project("matrix", ["test/matrix/**/*.test.ts"], {
        testTimeout: 300_000,
        hookTimeout: 300_000,
        fileParallelism: false,
      }),
      // Two runs of a minute or so, and Schemathesis installed at first.
      project("fuzz", ["test/fuzz/**/*.test.ts"], { testTimeout: 600_000, hookTimeout: 120_000 }),
      // Databases that are replaced under the nodes: promotions, restored backups, copies.
      project("history", ["test/history/**/*.test.ts"], {
        testTimeout: 600_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project("slow", ["test/slow/**/*.test.ts", ...patient], {
        testTimeout: 600_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
    ],
  },
});
