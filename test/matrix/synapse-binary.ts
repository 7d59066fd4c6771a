import { findTool } from "../support/pypi.ts";

/** The Python that has Synapse: `-m synapse.app.homeserver` starts it. Throws one sentence with the way to get it. */
export const findSynapse = (): Promise<string> =>
  findTool({
    name: "Synapse",
    module: "synapse.app.homeserver",
    folder: "synapse",
    requirements: new URL("requirements.txt", import.meta.url),
    variable: "SYNAPSE_PYTHON",
  });
